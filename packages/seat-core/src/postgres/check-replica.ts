import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { check, refused, warned, type InstallationCheck } from '../installation.ts';
import { ask, explainNoConnection, isClient } from './check-postgres.ts';
import { systemIdentifierStatement } from './installation.sql.ts';
import { connectPatiently, type Database } from './pool.ts';
import { hasReplayedStatement, logPositionStatement } from './server.sql.ts';

const part = 'replica';
/** A replica is useful for reads while it lags less than a second. */
const catchUpMs = 1_000;
const pollMs = 20;

/** Asks whether the replica follows this primary. The engine works without it: only a wrong one is refused. */
export async function checkReplica(primary: Database, replica: Database): Promise<InstallationCheck[]> {
  const [here, there] = await Promise.all(
    [primary, replica].map(({ $client }) => connectPatiently($client).catch((error: unknown) => error)),
  );
  try {
    if (!isClient(there)) {
      return explainNoConnection(part, there).map((row) =>
        row.name === 'connection'
          ? warned(part, row.name, row.value, 'Lists and maps are read from the primary until it answers.')
          : row,
      );
    }
    // The check of the primary itself says why.
    if (!isClient(here)) return [check(part, 'connection', 'answers')];
    const identify = async (client: pg.PoolClient) =>
      (await ask<{ identifier: string; standby: boolean }>(client, systemIdentifierStatement))[0];
    const [own, other] = await Promise.all([identify(here), identify(there)]);
    if (own?.identifier !== other?.identifier) {
      const advice = 'DATABASE_REPLICA_URL must name a streaming replica of DATABASE_URL.';
      return [refused(part, 'connection', 'another database cluster', advice)];
    }
    if (other?.standby !== true) {
      const advice =
        'It is no standby: lists and maps are read from the primary. Correct DATABASE_REPLICA_URL.';
      return [warned(part, 'connection', 'a primary', advice)];
    }
    const [end] = await ask<{ position: string }>(here, logPositionStatement);
    const startedAt = performance.now();
    for (;;) {
      const [row] = await ask<{ has: boolean | null }>(there, hasReplayedStatement, [end!.position]);
      if (row?.has === true) return [check(part, 'connection', 'streams from this primary')];
      if (performance.now() - startedAt > catchUpMs) break;
      await delay(pollMs);
    }
    const advice =
      'Lists and maps are read from the primary while it lags: see pg_stat_replication on the primary.';
    return [warned(part, 'connection', `lags more than ${catchUpMs} ms`, advice)];
  } finally {
    for (const client of [here, there]) if (isClient(client)) client.release();
  }
}
