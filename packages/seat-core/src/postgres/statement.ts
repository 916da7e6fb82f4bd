import type pg from 'pg';
import type { Context } from '../options.ts';

/**
 * A hot statement: its name makes it a prepared one. Drizzle cannot name raw SQL, and without a name
 * PostgreSQL plans these statements anew at every call.
 */
export interface NamedStatement {
  readonly name: string;
  readonly text: string;
}

interface Call {
  readonly statement: NamedStatement;
  readonly values: unknown[];
}

/** Runs a statement that changes nothing. @throws as `Connections.lend` */
export async function readRows<Row extends pg.QueryResultRow>(
  { connections }: Context,
  statement: NamedStatement,
  values: unknown[],
): Promise<Row[]> {
  return connections.lend(async (client) => (await client.query<Row>({ ...statement, values })).rows, {
    commits: false,
  });
}

/** Runs a statement that is a transaction of its own. @throws as `Connections.lend` */
export async function commitStatement<Row extends pg.QueryResultRow>(
  { connections }: Context,
  statement: NamedStatement,
  values: unknown[],
): Promise<Row[]> {
  return connections.lend(async (client) => (await client.query<Row>({ ...statement, values })).rows, {
    commits: true,
  });
}

/**
 * Runs two statements as one transaction, all of it sent at once: one round trip. The second one's snapshot is
 * younger than the locks that the first one takes, which is what the first is for.
 *
 * @returns the rows of the second
 * @throws as `Connections.lend`
 */
export async function commitBehindLocks<Row extends pg.QueryResultRow>(
  { connections }: Context,
  locks: Call,
  call: Call,
): Promise<Row[]> {
  return connections.lend(
    async (client) => {
      const sent = [
        client.query('begin'),
        client.query({ ...locks.statement, values: locks.values }),
        client.query<Row>({ ...call.statement, values: call.values }),
        client.query('commit'),
      ] as const;
      const replies = await Promise.allSettled(sent);
      // The first failure is the reason; a commit behind it was a rollback.
      const failed = replies.find((reply) => reply.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      return (await sent[2]).rows;
    },
    { commits: true },
  );
}
