/*
 * The two readers of moments: of ISO texts that callers send, and of the texts in which PostgreSQL answers.
 * `new Date(text)` reads neither: it takes the year 30 for 1930, the 30th of February for the 2nd of March, and what
 * it cannot read becomes a Date that throws when it is shown.
 */

/** RFC 3339: date, time, offset from UTC. */
const isoForm =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/** With `datestyle` ISO: `2027-01-07 19:30:00.123+07`, of early years `0044-03-15 12:00:00+00 BC`. */
const postgresForm =
  /^(\d{4,6})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?( BC)?$/;

/** The farthest moments that a Date can hold, on either side of 1970. */
const lastMs = 8.64e15;

/** @returns undefined for a text that is no date and time with its offset, or names a day that does not exist */
export function parseInstant(text: string): Date | undefined {
  const found = isoForm.exec(text);
  if (found === null) return undefined;
  const [
    ,
    year,
    month,
    day,
    hours,
    minutes,
    seconds,
    fraction,
    sign,
    offsetHours = '0',
    offsetMinutes = '0',
  ] = found;
  const isTime = Number(hours) < 24 && Number(minutes) < 60 && Number(seconds) < 60;
  if (!isTime || Number(offsetHours) > 23 || Number(offsetMinutes) > 59) return undefined;
  const local = utcMs({ year: Number(year), month, day, hours, minutes, seconds, fraction });
  // A day or a month that does not exist became another one.
  const read = new Date(local);
  if (read.getUTCDate() !== Number(day) || read.getUTCMonth() + 1 !== Number(month)) return undefined;
  return new Date(local - offsetMs(sign, offsetHours, offsetMinutes));
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
  const found = postgresForm.exec(text);
  if (found === null) throw new Error('PostgreSQL sent a timestamp that is not in the datestyle ISO');
  const [
    ,
    year,
    month,
    day,
    hours,
    minutes,
    seconds,
    fraction,
    sign,
    offsetHours,
    offsetMinutes,
    offsetSeconds,
    era,
  ] = found;
  // There is no year 0: 1 BC is in front of the year 1.
  const astronomical = era === undefined ? Number(year) : 1 - Number(year);
  const local = utcMs({ year: astronomical, month, day, hours, minutes, seconds, fraction });
  const ms = local - offsetMs(sign, offsetHours, offsetMinutes, offsetSeconds);
  return new Date(Number.isNaN(ms) ? lastMs * Math.sign(astronomical) : ms);
}

interface Fields {
  readonly year: number;
  readonly month: string | undefined;
  readonly day: string | undefined;
  readonly hours: string | undefined;
  readonly minutes: string | undefined;
  readonly seconds: string | undefined;
  readonly fraction: string | undefined;
}

function utcMs({ year, month, day, hours, minutes, seconds, fraction = '' }: Fields): number {
  const date = new Date(0);
  // Unlike Date.UTC, which takes the years 0 to 99 for those of the twentieth century.
  date.setUTCFullYear(year, Number(month) - 1, Number(day));
  return date.setUTCHours(
    Number(hours),
    Number(minutes),
    Number(seconds),
    Number(fraction.padEnd(3, '0').slice(0, 3)),
  );
}

function offsetMs(sign: string | undefined, hours = '0', minutes = '0', seconds = '0'): number {
  const ms = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000;
  return sign === '-' ? -ms : ms;
}
