import { createWriteStream, existsSync, mkdirSync, renameSync, statSync, type WriteStream } from 'node:fs';
import { dirname } from 'node:path';
import { isRecord, jsonRecord } from '@ticketing/testkit';

const largestLogBytes = 20_000_000;
const repeatAfterMs = 10_000;
const warnLevel = 40;
const levelNames: Readonly<Record<number, string>> = { 40: 'warning', 50: 'error', 60: 'fatal' };

/**
 * Takes the lines of a service: all go into its file, and those that matter to a person at the terminal
 * are shown, the same one at most every ten seconds. The file before the current one is kept.
 */
export class ServiceLog {
  readonly #path: string;
  readonly #show: (line: string) => void;
  readonly #shownAt = new Map<string, number>();
  #file: WriteStream;
  #bytes: number;

  constructor(path: string, show: (line: string) => void) {
    this.#path = path;
    this.#show = show;
    mkdirSync(dirname(path), { recursive: true });
    this.#rotateIfFull(0);
    this.#file = createWriteStream(path, { flags: 'a' });
    this.#bytes = existsSync(path) ? statSync(path).size : 0;
  }

  write(line: string): void {
    this.#file.write(`${line}\n`);
    this.#bytes += line.length + 1;
    if (this.#bytes > largestLogBytes) {
      this.#file.end();
      this.#rotateIfFull(largestLogBytes);
      this.#file = createWriteStream(this.#path, { flags: 'a' });
      this.#bytes = 0;
    }
    const text = textForTerminal(line);
    if (text === undefined) return;
    const now = Date.now();
    if (now - (this.#shownAt.get(text) ?? -Infinity) < repeatAfterMs) return;
    if (this.#shownAt.size > 1_000) this.#shownAt.clear();
    this.#shownAt.set(text, now);
    this.#show(text);
  }

  end(): void {
    this.#file.end();
  }

  #rotateIfFull(limit: number): void {
    if ((statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0) > limit)
      renameSync(this.#path, `${this.#path}.1`);
  }
}

/** pino writes JSON; whatever else a service writes, such as a fault of its configuration, is for people anyway. */
function textForTerminal(line: string): string | undefined {
  const record = jsonRecord(line);
  if (record === undefined) return line === '' ? undefined : line;
  const { level, msg, err } = record;
  if (typeof level !== 'number' || level < warnLevel) return undefined;
  const reason = isRecord(err) && typeof err['message'] === 'string' ? ` (${err['message']})` : '';
  return `${levelNames[level] ?? 'error'}: ${String(msg)}${reason}`;
}
