import { runTool } from './run-tool.mjs';

/**
 * Builds what has changed; turbo needs about 0.1 s to see that nothing has.
 *
 * @param {string} root
 * @param {(message: string) => void} say
 * @param {(signal: string) => void} onInterrupt
 */
export async function buildPackages(root, say, onInterrupt) {
  // Only a build that takes its time is worth a line.
  const announcement = setTimeout(() => say('Building.'), 500);
  const command = ['turbo', 'run', 'build', '--output-logs=errors-only', '--ui=stream'];
  const { code, output } = await runTool(command, {
    cwd: root,
    env: process.env,
    capture: true,
    onInterrupt,
  });
  clearTimeout(announcement);
  if (code !== 0)
    throw new Error(`${output.trimEnd()}\nThe build failed; what the compiler says stands above.`);
}
