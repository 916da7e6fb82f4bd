import { currencyDigits } from '../currencies.ts';
import { nameKey } from '../names.ts';
import type { Money } from '../types.ts';
import { InputCheck } from '../validation.ts';
import type { EventRow } from './event-row.ts';

export interface CreateEventInput {
  /** 1–200 characters that can all be seen, without white space at its ends; stored in composed form (NFC). */
  readonly name: string;
  /** As the name. */
  readonly venue: string;
  /** A Date, or an ISO text with its offset from UTC, in the years 1970–9998 of UTC; as the other moments. */
  readonly startsAt: Date | string;
  /** Holds are refused before (SALES_NOT_OPEN). Without it: never. */
  readonly salesOpenAt?: Date | string | null;
  /** Holds are refused from then on (SALES_CLOSED). Without it: from `startsAt`. */
  readonly salesCloseAt?: Date | string | null;
  /** 1–200, in the order in which maps show them; all prices in one currency, 5,000 rows and 100,000 seats in all. */
  readonly sections: readonly NewSection[];
  /** The user or the service that creates the event, 1–128 visible ASCII characters: idempotency keys of two actors never meet. */
  readonly actor?: string;
  /** 1–255 visible ASCII characters: sent again by the same actor, it has no second effect. */
  readonly idempotencyKey?: string;
}

export interface NewSection {
  /** 1–100 characters as the name of the event; unique within it, letter case and forms of one letter aside. */
  readonly name: string;
  readonly price: Money;
  readonly rows: readonly NewRow[];
}

export interface NewRow {
  /** 1–20 characters; unique within the section, as the section within the event. */
  readonly name: string;
  /** How many seats the row has; they are numbered from 1. */
  readonly seats: number;
}

/** The checked input. */
export interface NewEvent extends Pick<
  EventRow,
  'name' | 'venue' | 'startsAt' | 'salesOpenAt' | 'salesCloseAt'
> {
  readonly sections: readonly NewSection[];
}

export const maxSeatsPerEvent = 100_000;
const maxSectionsPerEvent = 200;
const maxRowsPerEvent = 5_000;
const maxPriceAmount = 1_000_000_000_000;

/** @returns the event as it is stored: names composed, moments as Dates */
export function checkEvent(input: CreateEventInput): NewEvent & { readonly actor: string } {
  const check = new InputCheck(input);
  const optionalInstant = (pointer: string, value: unknown) =>
    value === undefined || value === null ? null : check.instant(pointer, value);
  const event = {
    name: check.name('/name', input.name, 200),
    venue: check.name('/venue', input.venue, 200),
    startsAt: check.instant('/startsAt', input.startsAt),
    salesOpenAt: optionalInstant('/salesOpenAt', input.salesOpenAt),
    salesCloseAt: optionalInstant('/salesCloseAt', input.salesCloseAt),
    sections: checkSections(check, input.sections),
    actor: input.actor === undefined ? '' : check.userId('/actor', input.actor),
  };
  const { salesOpenAt, salesCloseAt, startsAt } = event;
  if (salesOpenAt !== null && salesOpenAt >= (salesCloseAt ?? startsAt))
    check.error('/salesOpenAt', 'must be before the sales close: salesCloseAt, or startsAt without it');
  check.throwIfAny();
  return event;
}

function checkSections(check: InputCheck, value: unknown): NewSection[] {
  const list = check.list('/sections', value);
  if (list.length === 0) check.error('/sections', 'must name at least one section');
  // Before any of them is looked at.
  if (list.length > maxSectionsPerEvent) {
    check.error('/sections', `must be ${maxSectionsPerEvent} sections at most, are ${list.length}`);
    return [];
  }
  const rowCount = list.reduce<number>((sum, item) => sum + countRows(item), 0);
  if (rowCount > maxRowsPerEvent) {
    check.error('/sections', `must have ${maxRowsPerEvent} rows at most, have ${rowCount}`);
    return [];
  }
  const names = new UniqueNames(check, 'section');
  let currency: string | undefined;
  const sections = list.map((item, index) => {
    const pointer = `/sections/${index}`;
    const { name, price, rows } = check.members(pointer, item);
    const money = checkPrice(check, `${pointer}/price`, price);
    currency ??= money.currency;
    if (money.currency !== currency)
      check.error(`${pointer}/price/currency`, 'must be the currency of the other sections');
    return {
      name: names.check(`${pointer}/name`, name, 100),
      price: money,
      rows: checkRows(check, pointer, rows),
    };
  });
  const seats = sections.reduce((sum, { rows }) => sum + countSeats(rows), 0);
  if (seats > maxSeatsPerEvent)
    check.error('/sections', `must have ${maxSeatsPerEvent} seats at most, has ${seats}`);
  return sections;
}

function countRows(section: unknown): number {
  const rows: unknown =
    typeof section === 'object' && section !== null && 'rows' in section ? section.rows : undefined;
  return Array.isArray(rows) ? rows.length : 0;
}

function checkPrice(check: InputCheck, pointer: string, value: unknown): Money {
  const { amount, currency } = check.members(pointer, value);
  const isCurrency = typeof currency === 'string' && currencyDigits.has(currency);
  if (!isCurrency)
    check.error(
      `${pointer}/currency`,
      'must be the ISO 4217 code of money in use, not of a metal, fund or test',
    );
  return {
    amount: check.integer(`${pointer}/amount`, amount, 0, maxPriceAmount),
    currency: isCurrency ? currency : '',
  };
}

function checkRows(check: InputCheck, section: string, value: unknown): NewRow[] {
  const list = check.list(`${section}/rows`, value);
  if (list.length === 0) check.error(`${section}/rows`, 'must name at least one row');
  const names = new UniqueNames(check, 'row');
  return list.map((item, index) => {
    const pointer = `${section}/rows/${index}`;
    const { name, seats } = check.members(pointer, item);
    return {
      name: names.check(`${pointer}/name`, name, 20),
      seats: check.integer(`${pointer}/seats`, seats, 1, maxSeatsPerEvent),
    };
  });
}

/** Refuses a second name that a reader takes for the first. */
class UniqueNames {
  readonly #keys = new Set<string>();
  readonly #check: InputCheck;
  readonly #noun: string;

  constructor(check: InputCheck, noun: string) {
    this.#check = check;
    this.#noun = noun;
  }

  check(pointer: string, value: unknown, maxLength: number): string {
    const name = this.#check.name(pointer, value, maxLength);
    const key = nameKey(name);
    // The empty name stands for one that was refused already.
    if (name !== '' && this.#keys.has(key))
      this.#check.error(pointer, `names a ${this.#noun} that is named already`);
    this.#keys.add(key);
    return name;
  }
}

export function countSeats(rows: readonly NewRow[]): number {
  return rows.reduce((sum, row) => sum + row.seats, 0);
}
