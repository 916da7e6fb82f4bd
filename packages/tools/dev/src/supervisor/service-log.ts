import { createWriteStream, existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { isRecord, jsonRecord } from '@ticketing/testkit';

const repeatAfterMs = 10_000;
/** The levels of log lines that are not shown; createLogger of service-kit writes levels as words. */
const quietLevels: readonly unknown[] = ['trace', 'debug', 'info'];

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
  // On a full disk the service goes on, and so do we.
  file.once('error', ({ message }) => show(`its log is not written any more: ${message}`));
  file.on('error', () => undefined);
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

/** The logger writes JSON with a level; other output of a service, such as a stack trace, is for people. */
function textForTerminal(line: string): string | undefined {
  if (line === '') return undefined;
  const { level, msg, err } = jsonRecord(line) ?? {};
  if (quietLevels.includes(level)) return undefined;
  if (typeof level !== 'string' || typeof msg !== 'string') return line;
  const reason = isRecord(err) && typeof err['message'] === 'string' ? err['message'] : '';
  return `${level === 'warn' ? 'warning' : level}: ${msg}${msg.includes(reason) ? '' : ` (${reason})`}`;
}
