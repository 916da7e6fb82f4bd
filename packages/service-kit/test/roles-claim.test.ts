import { describe, expect, it } from 'vitest';
import { createRolesReader } from '../src/auth/roles-claim.ts';
import { createLogger } from '../src/index.ts';
import { createLogSink } from './fixtures/build-service.ts';

function build(path: string) {
  const { lines, ...destination } = createLogSink();
  const read = createRolesReader(path, createLogger({ name: 'test-api', level: 'info', destination }));
  /** Claims as they arrive: from JSON. */
  const rolesOf = (json: string) => [...read(JSON.parse(json) as Record<string, unknown>)];
  return { rolesOf, lines };
}

describe('JWT_ROLES_CLAIM', () => {
  it.each<[string, string, string[]]>([
    ['roles', '{"roles":["admin","customer"]}', ['admin']],
    ['roles', '{"roles":"organizer"}', ['organizer']],
    ['roles', '{"roles":" payments\\n organizer\\tx "}', ['organizer', 'payments']],
    ['scope', '{"scope":"openid payments"}', ['payments']],
    ['realm_access.roles', '{"realm_access":{"roles":["organizer"]}}', ['organizer']],
    [
      'realm_access.roles',
      '{"realm_access.roles":["admin"],"realm_access":{"roles":["organizer"]}}',
      ['admin'],
    ],
    ['https://tickets.example/roles', '{"https://tickets.example/roles":["payments"]}', ['payments']],
    ['https://tickets.example.roles', '{"https://tickets.example":{"roles":["payments"]}}', ['payments']],
    ['a.b.c.d', '{"a.b":{"c.d":"admin"}}', ['admin']],
    ['a.b.c', '{"a.b":{"x":1},"a":{"b":{"c":"admin"}}}', ['admin']],
    ['roles.0', '{"roles":["admin"]}', []],
    ['roles', '{"realm_access":{"roles":["admin"]}}', []],
    ['roles', '{}', []],
    ['roles', '{"roles":[]}', []],
    ['roles', '{"roles":""}', []],
    ['roles', '{"roles":["Admin","admin ","payments,admin"]}', []],
    ['.', '{"":{"":"admin"}}', []],
    ['roles.', '{"roles":"admin"}', []],
  ])('%s reads the roles of %s', (path, claims, expected) => {
    expect(build(path).rolesOf(claims)).toEqual(expected);
  });

  it.each([
    '__proto__',
    'constructor',
    'constructor.name',
    '__proto__.roles',
    '__proto__.constructor',
    'toString',
    'roles.constructor.name',
  ])('%s reads own members only', (path) => {
    const { rolesOf, lines } = build(path);
    expect(rolesOf('{"roles":{"x":1}}')).toEqual([]);
    expect(lines).toEqual([]);
  });
});

describe('roles of another form', () => {
  it.each([
    ['{"roles":{"admin":true}}', 'object'],
    ['{"roles":7}', 'number'],
    ['{"roles":true}', 'boolean'],
    ['{"roles":null}', 'null'],
    ['{"roles":["admin",7]}', 'a list with other values than texts'],
    ['{"roles":[["admin"]]}', 'a list with other values than texts'],
  ])('grants no role for %s, and says so once, by its type', (claims, type) => {
    const { rolesOf, lines } = build('roles');
    for (let n = 0; n < 3; n += 1) expect(rolesOf(claims)).toEqual([]);
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'warn',
        msg: 'the claim of JWT_ROLES_CLAIM is neither a list of texts nor a text: no role granted',
        claim: 'roles',
        type,
      }),
    ]);
    expect(JSON.stringify(lines)).not.toContain('admin');
  });

  it('says once where the roles may be, when the claim is missing', () => {
    const { rolesOf, lines } = build('roles');
    rolesOf('{"sub":"ani"}');
    expect(lines).toEqual([]);
    for (let n = 0; n < 3; n += 1) rolesOf('{"realm_access":{"roles":["organizer"]}}');
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'warn',
        msg: 'tokens lack the claim of JWT_ROLES_CLAIM, and have another one',
        claim: 'roles',
        found: 'realm_access.roles',
      }),
    ]);
  });
});
