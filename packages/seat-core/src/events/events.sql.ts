import type { Statement } from '../postgres/statement.ts';

/** $1 id, $2 name, $3 venue, $4 starts at, $5 sales open at, $6 sales close at, $7 sections as JSON, $8 created at */
export const insertEventStatement: Statement = {
  name: 'insert-event',
  text: `
insert into events (id, name, venue, starts_at, sales_open_at, sales_close_at, sections, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)`,
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
