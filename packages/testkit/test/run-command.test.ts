import { listProcesses, runCommand, waitFor } from '@ticketing/testkit';
import { expect, it } from 'vitest';

it('runCommand ends a command whose time is up, with its children', async () => {
  const seconds = `86${process.pid}`;
  const script = `sleep ${seconds} & trap '' TERM; wait; sleep ${seconds}`;
  await expect(runCommand(['sh', '-c', script], { timeoutMs: 200 })).rejects.toThrow(
    'sh did not end within 0.2 s.',
  );
  await waitFor(
    async () => !(await listProcesses()).some(({ argv }) => argv[0] === 'sleep' && argv[1] === seconds),
    { description: 'the children to be gone' },
  );
});
