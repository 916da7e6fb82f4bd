import { Type } from '@sinclair/typebox';
import { expect, test } from 'vitest';
import { createLogger } from '../src/index.ts';
import { buildService } from './fixtures/build-service.ts';
import { listen } from './fixtures/listen.ts';
import { parseAnswer } from './fixtures/raw-client.ts';

/** A service, and what it writes to its log, to the letter. */
function buildLogging() {
  const written: string[] = [];
  const destination = { write: (text: string) => void written.push(text) };
  const logger = createLogger({ name: 'test-api', level: 'info', destination });
  const params = Type.Object({ seatId: Type.String({ format: 'uuid' }) });
  const { app } = buildService(
    (service) => service.get('/seats/:seatId', { schema: { params } }, () => ({})),
    {
      logger,
    },
  );
  return { app, written };
}

/** One line, and nothing in it that a terminal or a reader of lines would act upon. */
const oneLine = /^\{[^\p{Cc}\u2028\u2029]*\}\n$/u;

const forged = '{"level":"error","msg":"forged"}';

test.each([
  ['a line feed', '%0a'],
  ['a carriage return', '%0d%0a'],
  ['an escape sequence', '%1b[2J'],
  ['a NUL', '%00'],
  ['a delete', '%7f'],
  ['a C1 control character', '%c2%9b2J'],
  ['a line separator', '%e2%80%a8'],
  ['quotes', '%22,%22level%22:%22error%22,%22a%22:%22'],
  ['bare quotes', '","level":"error","a":"'],
  ['a bare C1 control character', '\u009b2J'],
  ['a bare next line', '\u0085'],
  ['a bare delete', '\u007f'],
  ['a bare escape sequence', '\u001b[2J'],
  ['a bare NUL', '\0'],
  ['a bare tab', '\t'],
])('a path with %s is one line of the log', async (_what, inserted) => {
  const { app, written } = buildLogging();
  const { connect } = await listen(app);
  for (const place of ['/seats/', '/nowhere/', '/%zz']) {
    const client = await connect();
    const before = written.length;
    const path = `${place}x${inserted}${forged}`;
    // Byte by byte, as no client library would.
    client.socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`, 'latin1');
    expect([400, 404]).toContain(parseAnswer(await client.closed()).status);
    const lines = written.slice(before);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(oneLine);
    expect(JSON.parse(lines[0]!)).toMatchObject({ level: 'info', service: 'test-api' });
    expect(JSON.parse(lines[0]!)).not.toHaveProperty('msg', 'forged');
  }
});
