import { sql } from 'drizzle-orm';
import { events } from '../postgres/schema.ts';
import type { Statement } from '../postgres/statement.ts';
import type { EventSection } from '../types.ts';

/** $1 event ids. Those that exist. */
export const findEventsStatement: Statement = {
  name: 'find-events',
  text: 'select id from events where id = any($1::uuid[])',
};

const maxSectionsInList = 50;
const sectionCount = sql<number>`coalesce(${events.sectionCount}, jsonb_array_length(${events.sections}))`;

/** Columns of an event in a list. PostgreSQL reads the JSON of many sections for no list. */
export const sectionsInList = {
  sectionCount,
  sections: sql<
    readonly EventSection[]
  >`case when ${sectionCount} <= ${maxSectionsInList} then ${events.sections} else '[]'::jsonb end`,
};

/** $1 id, $2 name, $3 venue, $4 starts at, $5 sales open at, $6 sales close at, $7 sections as JSON, $8 created at, $9 how many sections */
export const insertEventStatement: Statement = {
  name: 'insert-event',
  text: `
insert into events (id, name, venue, starts_at, sales_open_at, sales_close_at, sections, created_at, section_count)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
};

/** $1 event id; then an element per seat: $2 ids, $3 sections, $4 rows, $5 numbers, $6 prices, $7 currencies */
export const insertSeatsStatement: Statement = {
  name: 'insert-seats',
  text: `
insert into seats (event_id, id, section, "row", number, price_amount, currency)
select $1, * from unnest($2::uuid[], $3::text[], $4::text[], $5::int[], $6::bigint[], $7::text[])`,
};

/** $1 milliseconds. For the transaction that is open. */
export const limitStatementsStatement: Statement = {
  name: 'limit-statements',
  text: `select set_config('statement_timeout', $1, true)`,
};
