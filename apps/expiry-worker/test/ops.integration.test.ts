import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { anyone } from '@ticketing/seat-core';
import { deadlineFactor, makeEvent, waitFor } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOps } from '../src/ops/run-ops.ts';
import { openOpsStack, type OpsStack } from './fixtures/ops-stack.ts';

let stack: OpsStack;
let env: Record<string, string>;
beforeAll(async () => {
  stack = await openOpsStack();
  env = { DATABASE_URL: stack.databaseUrl, REDIS_URL: stack.redisUrl };
});
afterAll(async () => stack.dispose());

async function ops(args: string, variables: Record<string, string> = env) {
  const [said, complained]: [string[], string[]] = [[], []];
  const code = await runOps({
    args: args.split(' ').filter((word) => word !== ''),
    env: variables,
    say: (line) => void said.push(line),
    complain: (line) => void complained.push(line),
  });
  return { code, said: said.join('\n'), complained: complained.join('\n') };
}

/** Adds a job that fails at its first attempt and is kept. */
async function addFailingJob(jobId: string, data: unknown): Promise<void> {
  await stack.addJob(jobId, data);
  await waitFor(async () => (await stack.queue.getJobState(jobId)) === 'failed', {
    description: 'the job to have failed',
  });
}

describe('ops', () => {
  it('ops prints its usage, and refuses an unknown command or option', async () => {
    expect(await ops('')).toMatchObject({ code: 2, said: expect.stringContaining('jobs retry <id>|all') });
    expect(await ops('help')).toMatchObject({ code: 0, said: expect.stringContaining('events retire') });
    expect(await ops('jobs eat')).toMatchObject({
      code: 2,
      complained: expect.stringMatching(/^There is no command "jobs eat"\./),
    });
    expect(await ops('jobs failed --all')).toMatchObject({
      code: 2,
      complained: `Unknown option '--all'. "help" lists the commands and options.`,
    });
  });

  it.each([
    ['audit', 'DATABASE_URL'],
    ['jobs failed', 'REDIS_URL'],
    ['events retire', 'DATABASE_URL'],
  ])('ops %s names the variable that it lacks', async (command, name) => {
    const { code, complained } = await ops(command, {});
    expect(code).toBe(2);
    expect(complained).toContain(`${name} is not set`);
  });

  it.each([
    ['audit', /^audit: connect ECONNREFUSED 127\.0\.0\.1:1$/],
    ['jobs failed', /^Redis \(127\.0\.0\.1:1\) does not answer: .*ECONNREFUSED/],
    ['events retire', /^events retire: connect ECONNREFUSED 127\.0\.0\.1:1$/],
  ])('ops %s reports that its server does not answer, and prints no password', async (command, sentence) => {
    const { code, complained } = await ops(command, {
      DATABASE_URL: 'postgres://u:s3cret@127.0.0.1:1/none',
      REDIS_URL: 'redis://:s3cret@127.0.0.1:1',
    });
    expect(code).toBe(2);
    expect(complained).toMatch(sentence);
    expect(complained).not.toContain('s3cret');
  });
});

describe('ops audit', () => {
  it('ops audit prints each check and what it rebuilt, and exits with 0 when no check found a violation', async () => {
    const { seatIds } = await makeEvent(stack.core, { seats: 2 });
    const { id } = await stack.core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
    await stack.core.confirmBooking({ bookingId: id, ownedBy: anyone, actor: 'test' });
    const { code, said } = await ops('audit');
    expect(said).toMatch(/^seat-status +0$/m);
    expect(said).toMatch(/^rebuild-lines +0$/m);
    expect(said).toMatch(/rebuilt from 2 booking records and 2 seat transitions; 0 violations, \d+\.\d s$/);
    expect(code).toBe(0);
  });

  it('ops audit prints violations with samples, and exits with 1', async () => {
    const { seatIds } = await makeEvent(stack.core, { seats: 8 });
    await stack.query(`
      begin; set local session_replication_role = replica;
      update seats set status = 'SOLD' where id in ('${seatIds.join("','")}'); commit`);
    const { code, said } = await ops('audit');
    expect(said).toMatch(/^seat-status +8\n {2}seat \S+ is SOLD, and its live bookings are: none$/m);
    expect(said).toContain('  … and 3 more');
    expect(said).toContain('16 violations');
    expect(code).toBe(1);
    await stack.query(`
      begin; set local session_replication_role = replica;
      update seats set status = 'AVAILABLE' where id in ('${seatIds.join("','")}'); commit`);
  });

  it('ops audit reports a database without tables, and its time limit', async () => {
    const url = new URL(stack.databaseUrl);
    url.pathname = '/postgres';
    expect(await ops('audit', { DATABASE_URL: url.href })).toMatchObject({
      code: 2,
      complained: 'audit: the database has no tables of this build: run "npm run db:migrate" on it first',
    });
    expect(await ops('audit --time-limit 0.001')).toMatchObject({
      code: 2,
      complained: expect.stringContaining('not done within 0.001 s and given up') as string,
    });
    expect(await ops('audit --time-limit soon')).toMatchObject({
      code: 2,
      complained: '--time-limit must be a number of seconds.',
    });
  });
});

describe('ops jobs', () => {
  it('ops jobs failed lists when each job failed, why and for which bookings', async () => {
    expect(await ops('jobs failed')).toEqual({ code: 0, said: 'No job has failed.', complained: '' });
    await addFailingJob('broken-1', { bookings: [{ bookingId: 'not-an-id' }] });
    await addFailingJob('broken-2', 'nonsense');
    const { code, said } = await ops('jobs failed');
    expect(code).toBe(0);
    expect(said).toMatch(/^2 failed jobs$/m);
    expect(said).toMatch(/^broken-1 {2}failed at \d{4}-\S+Z, attempt 1: the job names no booking: .+$/m);
    expect(said).toContain('  bookings: not-an-id');
    expect(said).toContain('  bookings: none, its data is malformed');
  });

  it('ops jobs retry puts a job back by its id, with all attempts, and the worker does it', async () => {
    const { seatIds } = await makeEvent(stack.core, { seats: 1 });
    await stack.queue.pause();
    const { id } = await stack.brief.holdSeats({ seatIds, userId: 'ani' });
    const jobId = `b-${id}`;
    await stack.whileLocked(id, async () => {
      await stack.queue.resume();
      await waitFor(async () => (await stack.queue.getJobState(jobId)) === 'failed', {
        description: 'the third attempt to fail',
      });
    });
    expect((await ops('jobs failed')).said).toMatch(
      new RegExp(
        `^${jobId} {2}failed at \\S+, attempt 3: a hold is overdue, but .+\n {2}bookings: ${id}$`,
        'm',
      ),
    );
    expect(await ops(`jobs retry ${jobId}`)).toMatchObject({
      code: 0,
      said: `Job ${jobId} is in the queue again.`,
    });
    const storedStatus = async () =>
      (await stack.query<{ status: string }>('select status from bookings where id = $1', [id]))[0]?.status;
    await waitFor(async () => (await storedStatus()) === 'EXPIRED', {
      description: 'the retried job to expire the hold',
    });
    await waitFor(async () => (await stack.queue.getJob(jobId)) === undefined, {
      description: 'the job to be done',
    });
  });

  it('ops jobs retry all puts each failed job back once, also one that fails again', async () => {
    const { code, said } = await ops('jobs retry all');
    expect(code).toBe(0);
    expect(said.split('\n').toSorted()).toEqual([
      'Job broken-1 is in the queue again.',
      'Job broken-2 is in the queue again.',
    ]);
    await waitFor(async () => (await stack.queue.getFailedCount()) === 2, {
      description: 'both to fail again',
    });
  });

  it('ops jobs discard deletes a job by its id', async () => {
    expect(await ops('jobs discard broken-1')).toMatchObject({ code: 0, said: 'Job broken-1 is deleted.' });
    expect(await ops('jobs discard broken-2')).toMatchObject({ code: 0 });
    expect(await ops('jobs failed')).toMatchObject({ code: 0, said: 'No job has failed.' });
    expect(await ops('jobs retry all')).toMatchObject({ code: 0, said: 'No job has failed.' });
  });

  it('ops jobs retry and discard leave unknown jobs and jobs that have not failed alone', async () => {
    await stack.addJob('later', { bookings: [{ bookingId: randomUUID() }] }, { delay: 60_000 });
    for (const verb of ['retry', 'discard']) {
      expect(await ops(`jobs ${verb} none-such`)).toMatchObject({
        code: 2,
        complained: 'There is no job none-such; "jobs failed" lists the failed jobs.',
      });
      expect(await ops(`jobs ${verb} later`)).toMatchObject({
        code: 2,
        complained: 'Job later has not failed: it is delayed. Nothing was done.',
      });
      expect((await ops(`jobs ${verb}`)).complained).toMatch(/^Name a job: /);
      expect((await ops(`jobs ${verb} one two`)).complained).toMatch(/^Name one job at a time: /);
    }
  });

  it('ops jobs reads the Redis of the queue, if it has one of its own', async () => {
    const elsewhere = { ...env, REDIS_URL: 'redis://127.0.0.1:1', QUEUE_REDIS_URL: env['REDIS_URL']! };
    expect(await ops('jobs failed', elsewhere)).toMatchObject({ code: 0, said: 'No job has failed.' });
  });
});

describe('ops events retire', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'archive-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function makePastEvent(): Promise<string> {
    const { eventId, seatIds } = await makeEvent(stack.core, { seats: 3 });
    const { id } = await stack.core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
    await stack.core.confirmBooking({ bookingId: id, ownedBy: anyone, actor: 'test' });
    await stack.query(`
      begin; set local session_replication_role = replica;
      update events set starts_at = '2020-01-01', created_at = '2019-01-01' where id = '${eventId}';
      update bookings set created_at = '2019-06-01', expires_at = '2019-06-02', confirmed_at = '2019-06-01' where event_id = '${eventId}';
      update booking_events set at = '2019-06-01' where event_id = '${eventId}';
      update booking_events set expires_at = '2019-06-02' where event_id = '${eventId}' and to_status = 'PENDING'; commit`);
    return eventId;
  }

  it('ops events retire only lists events without --yes', async () => {
    const eventId = await makePastEvent();
    const { code, said } = await ops('events retire');
    expect(code).toBe(0);
    expect(said).toMatch(/: 1 event over for 400 days$/m);
    expect(said).toContain(`  ${eventId}  2020-01-01  Konser: 3 seats, 2 records`);
    expect(said).toContain('Nothing was done.');
    expect(await ops('events retire --yes')).toMatchObject({
      code: 2,
      complained: expect.stringMatching(/^Name with --archive FOLDER/) as string,
    });
    expect(await stack.query('select from events where id = $1', [eventId])).toHaveLength(1);
  });

  it('ops events retire writes each event into a file that only its owner can read, and deletes it; the audit finds no violation', async () => {
    const { code, said, complained } = await ops(`events retire --archive ${folder} --yes`);
    expect(complained).toContain('deleted 1 rows of events');
    expect(code).toBe(0);
    const [name] = await readdir(folder);
    const path = join(folder, name!);
    expect(said).toContain(` is in ${path} and no longer in the database.`);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const lines = gunzipSync(await readFile(path))
      .toString()
      .trimEnd()
      .split('\n');
    expect(JSON.parse(lines[0]!)).toMatchObject({ table: 'events', row: { name: 'Konser' } });
    expect(JSON.parse(lines.at(-1)!)).toEqual({
      rows: { events: 1, seats: 3, bookings: 1, booking_seats: 1, booking_events: 2, idempotency_keys: 0 },
    });
    expect(await ops('audit')).toMatchObject({ code: 0 });
    expect(await ops('events retire')).toMatchObject({
      code: 0,
      said: expect.stringContaining(': 0 events') as string,
    });
  });

  it('ops events retire keeps an event whose archive cannot be written, reports why, and leaves no partial file', async () => {
    const eventId = await makePastEvent();
    const file = join(folder, 'file');
    await writeFile(file, 'no folder');
    const before = await readdir(folder);
    const { code, complained } = await ops(`events retire --archive ${join(file, 'archive')} --yes`);
    expect(code).toBe(1);
    expect(complained).toMatch(new RegExp(`^Event ${eventId} was kept: ENOTDIR`));
    expect(await readdir(folder)).toEqual(before);
    expect(await stack.query('select from events where id = $1', [eventId])).toHaveLength(1);
  });

  it('ops events retire needs the role of the owner; the role of the services may audit, and deletes nothing', async () => {
    const eventId = await makePastEvent();
    const asService = { ...env, DATABASE_URL: stack.serviceUrl };
    expect(await ops('audit', asService)).toMatchObject({ code: 0 });
    const retire = `events retire --event ${eventId} --archive ${folder} --yes`;
    expect(await ops(retire, asService)).toMatchObject({
      code: 1,
      complained: `Event ${eventId} was kept: this role may not do that: use the connection of the owner (MIGRATE_DATABASE_URL)`,
    });
    const asOwner = { ...asService, MIGRATE_DATABASE_URL: stack.databaseUrl };
    expect(await ops(retire, asOwner)).toMatchObject({ code: 0 });
    expect(await ops('audit', asService)).toMatchObject({ code: 0 });
  });

  it('ops events retire refuses an event that cannot be retired, and a time that is too short', async () => {
    const { eventId } = await makeEvent(stack.core, { seats: 1 });
    expect(await ops(`events retire --event ${eventId}`)).toMatchObject({
      code: 2,
      complained: expect.stringContaining('cannot be retired') as string,
    });
    expect(await ops('events retire --older-than-days 29')).toMatchObject({
      code: 2,
      complained: '--older-than-days must be a whole number from 30.',
    });
  });
});

describe('ops doctor', () => {
  const service = () => ({ DATABASE_URL: stack.serviceUrl, REDIS_URL: stack.redisUrl });

  it('ops doctor prints a row per question and what to do, and exits with 0 when every service would start', async () => {
    const { code, said, complained } = await ops('doctor', service());
    expect(complained).toBe('');
    expect(said).toMatch(/^part\s+what\s+verdict\s+found$/m);
    expect(said).toMatch(/^postgresql\s+server_encoding\s+ok\s+UTF8$/m);
    expect(said).toMatch(/^postgresql\s+migrations\s+ok\s+up to \d{4}_/m);
    expect(said).toMatch(/^clock\s+Redis to PostgreSQL\s+ok\s+-?0\.\d{3} s$/m);
    // The servers of the tests are throwaway ones.
    expect(said).toMatch(/^postgresql\s+fsync\s+warning\s+off\n\s+→ .*fsync = on/m);
    expect(said).toMatch(/^0 refused, \d+ warning, \d+ ok$/m);
    // oxlint-disable-next-line no-control-regex
    expect(said).not.toMatch(/\u001B/);
    expect(code).toBe(0);
  });

  it('ops doctor --json prints the same for programs', async () => {
    const { code, said } = await ops('doctor --json', service());
    const { checks } = JSON.parse(said) as { checks: object[] };
    expect(checks).toContainEqual({
      part: 'postgresql',
      name: 'primary',
      value: 'yes',
      verdict: 'ok',
      advice: '',
    });
    expect(code).toBe(0);
  });

  it('ops doctor has a row for servers that cannot be reached, exits with 1, and prints no password', async () => {
    const startedAt = performance.now();
    const { code, said, complained } = await ops('doctor', {
      DATABASE_URL: 'postgres://u:s3cret@127.0.0.1:1/none',
      DATABASE_REPLICA_URL: 'postgres://u:s3cret@127.0.0.1:1/none',
      REDIS_URL: 'redis://:s3cret@127.0.0.1:1',
    });
    expect(performance.now() - startedAt).toBeLessThan(10_000 * deadlineFactor());
    expect(said).toMatch(/^postgresql\s+connection\s+refused\s+none: .*ECONNREFUSED/m);
    expect(said).toMatch(/^replica\s+connection\s+warning\s+none: .*ECONNREFUSED/m);
    expect(said).toMatch(/^redis\s+connection\s+warning\s+none/m);
    expect(said + complained).not.toContain('s3cret');
    expect(said + complained).not.toContain('    at ');
    expect(code).toBe(1);
  });

  it('ops doctor exits with 1 while only Redis is away, and names the setting that does not hold', async () => {
    const away = await ops('doctor', { ...service(), REDIS_URL: 'redis://127.0.0.1:1' });
    expect(away.code).toBe(1);
    expect(away.said).toMatch(/^postgresql\s+connection\s+ok/m);
    const role = new URL(stack.serviceUrl).username;
    const database = new URL(stack.serviceUrl).pathname.slice(1);
    await stack.query(`alter role ${role} in database ${database} set session_replication_role = replica`);
    const { code, said } = await ops('doctor', service());
    await stack.query(`alter role ${role} in database ${database} reset all`);
    expect(said).toMatch(
      /^postgresql\s+session_replication_role\s+refused\s+replica\n\s+→ .*must be origin/m,
    );
    expect(code).toBe(1);
  });
});
