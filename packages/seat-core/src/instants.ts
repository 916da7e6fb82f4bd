/*
 * The two readers of moments: of ISO texts that callers send, and of the texts in which PostgreSQL answers.
 * `new Date(text)` reads neither: it takes the year 30 for 1930, the 30th of February for the 2nd of March, and what
 * it cannot read becomes a Date that throws when it is shown.
 */

/** RFC 3339: date, time, offset from UTC. */
const isoForm =
  /^(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)[Tt ](?<hours>\d\d):(?<minutes>\d\d):(?<seconds>\d\d)(?:\.(?<fraction>\d{1,9}))?(?:[Zz]|(?<sign>[+-])(?<offsetHours>\d\d):(?<offsetMinutes>\d\d))$/;

/** With `datestyle` ISO: `2027-01-07 19:30:00.123+07`, of early years `0044-03-15 12:00:00+00 BC`. */
const postgresForm =
  /^(?<year>\d{4,6})-(?<month>\d\d)-(?<day>\d\d) (?<hours>\d\d):(?<minutes>\d\d):(?<seconds>\d\d)(?:\.(?<fraction>\d{1,6}))?(?<sign>[+-])(?<offsetHours>\d\d)(?::(?<offsetMinutes>\d\d))?(?::(?<offsetSeconds>\d\d))?(?<era> BC)?$/;

/** The farthest moments that a Date can hold, on either side of 1970. */
const lastMs = 8.64e15;

/** The groups of the two forms. */
type Fields = Readonly<Record<string, string | undefined>>;

/** @returns undefined for a text that is no date and time with its offset, or names a day that does not exist */
export function parseInstant(text: string): Date | undefined {
  const fields: Fields | undefined = isoForm.exec(text)?.groups;
  if (fields === undefined) return undefined;
  const isAtMost = (name: string, most: number) => Number(fields[name] ?? 0) <= most;
  const isTime = isAtMost('hours', 23) && isAtMost('minutes', 59) && isAtMost('seconds', 59);
  if (!isTime || !isAtMost('offsetHours', 23) || !isAtMost('offsetMinutes', 59)) return undefined;
  const local = new Date(localMs(fields, Number(fields['year'])));
  // A day or a month that does not exist became another one.
  const isDay = local.getUTCDate() === Number(fields['day']);
  if (!isDay || local.getUTCMonth() + 1 !== Number(fields['month'])) return undefined;
  return new Date(local.getTime() - offsetMs(fields));
}

/**
 * Reads a `timestamptz` of PostgreSQL. A moment that no Date can hold, such as `infinity`, becomes the farthest one that
 * it can: a row that was written by hand can still be shown.
 *
 * @throws Error for a text in another `datestyle`
 */
export function readTimestamp(text: string): Date {
  if (text === 'infinity') return new Date(lastMs);
  if (text === '-infinity') return new Date(-lastMs);
  const fields: Fields | undefined = postgresForm.exec(text)?.groups;
  if (fields === undefined) throw new Error('PostgreSQL sent a timestamp that is not in the datestyle ISO');
  // There is no year 0: 1 BC is in front of the year 1.
  const year = fields['era'] === undefined ? Number(fields['year']) : 1 - Number(fields['year']);
  const ms = localMs(fields, year) - offsetMs(fields);
  return new Date(Number.isNaN(ms) ? lastMs * Math.sign(year) : ms);
}

function localMs({ month, day, hours, minutes, seconds, fraction = '' }: Fields, year: number): number {
  const date = new Date(0);
  // Unlike Date.UTC, which takes the years 0 to 99 for those of the twentieth century.
  date.setUTCFullYear(year, Number(month) - 1, Number(day));
  const milliseconds = Number(fraction.padEnd(3, '0').slice(0, 3));
  return date.setUTCHours(Number(hours), Number(minutes), Number(seconds), milliseconds);
}

function offsetMs({ sign, offsetHours = '0', offsetMinutes = '0', offsetSeconds = '0' }: Fields): number {
  const seconds = (Number(offsetHours) * 60 + Number(offsetMinutes)) * 60 + Number(offsetSeconds);
  return seconds * (sign === '-' ? -1_000 : 1_000);
}
