import { createWriteStream, existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { isRecord, jsonRecord } from '@ticketing/testkit';

const repeatAfterMs = 10_000;
const warnLevel = 40;
const levelNames: Readonly<Record<number, string>> = { 40: 'warning', 50: 'error', 60: 'fatal' };

export interface ServiceLog {
  readonly write: (line: string) => void;
  readonly end: () => void;
}

/**
 * Opens the log file of a service, and keeps the one before as `.1`. Every line goes into the file; warnings, errors and
 * plain text are also shown, the same text at most every ten seconds.
 */
export function openServiceLog(path: string, show: (text: string) => void): ServiceLog {
  mkdirSync(dirname(path), { recursive: true });
  if (existsSync(path)) renameSync(path, `${path}.1`);
  const file = createWriteStream(path);
  const shownAt = new Map<string, number>();
  return {
    write: (line) => {
      file.write(`${line}\n`);
      const text = textForTerminal(line);
      const now = Date.now();
      if (text === undefined || now - (shownAt.get(text) ?? -Infinity) < repeatAfterMs) return;
      if (shownAt.size > 1_000) shownAt.clear();
      shownAt.set(text, now);
      show(text);
    },
    end: () => void file.end(),
  };
}

/** pino writes JSON; other output of a service, such as a refused configuration, is for people. */
function textForTerminal(line: string): string | undefined {
  const record = jsonRecord(line);
  if (record === undefined) return line === '' ? undefined : line;
  const { level, msg, err } = record;
  if (typeof level !== 'number' || level < warnLevel) return undefined;
  const reason = isRecord(err) && typeof err['message'] === 'string' ? ` (${err['message']})` : '';
  return `${levelNames[level] ?? 'error'}: ${String(msg)}${reason}`;
}
