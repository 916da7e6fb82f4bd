import { runOps } from './ops/run-ops.ts';

/* The operator's commands, with the environment of the services: node dist/ops.js <command> */

process.exitCode = await runOps({
  args: process.argv.slice(2),
  env: process.env,
  isTerminal: process.stdout.isTTY,
  say: (line) => void process.stdout.write(`${line}\n`),
  complain: (line) => void process.stderr.write(`${line}\n`),
});
