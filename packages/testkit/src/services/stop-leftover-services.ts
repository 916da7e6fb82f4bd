import { stopLeftovers } from '../processes/stop-leftovers.ts';
import { isServiceOf, serviceNameOf } from './service-command.ts';

/** Stops the services that belong to a folder and whose starter is gone. */
export async function stopLeftoverServices(
  folder: string,
  onProgress?: (message: string) => void,
): Promise<void> {
  await stopLeftovers(
    {
      nameOf: serviceNameOf,
      isOurs: (entry) => isServiceOf(folder, entry),
      plan: [
        ['SIGTERM', 10_000],
        ['SIGKILL', 5_000],
      ],
    },
    onProgress,
  );
}
