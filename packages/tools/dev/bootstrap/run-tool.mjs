import { spawn } from 'node:child_process';

const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Runs a program in a process group of its own. A signal to us ends that group and then, by
 * `onInterrupt`, us: nothing goes on installing behind a prompt that has come back.
 *
 * @param {readonly string[]} command
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, capture: boolean, onInterrupt: (signal: string) => void }} options
 * @returns {Promise<{ code: number | null, output: string }>} `output` is empty unless it is captured
 */
export function runTool(command, { cwd, env, capture, onInterrupt }) {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const stream = capture ? 'pipe' : 'inherit';
    const child = spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', stream, stream] });
    let output = '';
    for (const source of [child.stdout, child.stderr]) {
      source?.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
        output += text;
      });
    }
    /** @type {string | undefined} */
    let interruptedBy;
    const interrupt = (/** @type {string} */ signal) => {
      interruptedBy ??= signal;
      endGroup(child.pid ?? 0);
    };
    for (const signal of stopSignals) process.on(signal, interrupt);
    child.once('error', reject);
    child.once('close', (code) => {
      for (const signal of stopSignals) process.removeListener(signal, interrupt);
      if (interruptedBy !== undefined) onInterrupt(interruptedBy);
      resolve({ code, output });
    });
  });
}

/** @param {number} leader */
function endGroup(leader) {
  try {
    process.kill(-leader, 'SIGTERM');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}
