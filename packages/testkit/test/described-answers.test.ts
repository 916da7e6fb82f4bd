import { describe, expect, it } from 'vitest';
import { describedAnswers } from '../src/fixtures/described-answers.ts';

const seat = { type: 'object', required: ['id'], properties: { id: { type: 'string', format: 'uuid' } } };
const problem = { type: 'object', properties: { code: { type: 'string' } } };
const assertDescribed = describedAnswers({
  openapi: '3.1.0',
  components: { schemas: { Seat: seat } },
  paths: {
    '/seats/{id}': {
      get: {
        responses: {
          200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Seat' } } } },
          304: { description: 'not modified' },
          400: { content: { 'application/problem+json': { schema: problem, examples: { SEAT_TAKEN: {} } } } },
        },
      },
    },
  },
});
const id = '01a2082d-7486-721a-9bc4-ee6c8ca29bc6';
const good = {
  method: 'GET',
  path: '/seats/1?x=2',
  status: 200,
  contentType: 'application/json',
  body: { id },
};
const refusal = { ...good, status: 400, contentType: 'application/problem+json' };

describe('the check against the OpenAPI document', () => {
  it.each([
    ['an answer with the described members', { contentType: 'application/json; charset=utf-8' }],
    ['a status without a body', { status: 304, contentType: null, body: null }],
    ['a listed problem', { ...refusal, body: { code: 'SEAT_TAKEN' } }],
    ['a 404 of an unknown path', { path: '/other', status: 404 }],
    ['HEAD without a body', { method: 'HEAD', body: null }],
    ['OPTIONS', { method: 'OPTIONS', status: 204, contentType: null, body: null }],
    ['the document itself', { path: '/docs/json', body: {} }],
  ])('accepts %s', (_name, change) => {
    expect(() => assertDescribed({ ...good, ...change })).not.toThrow();
  });

  it.each([
    ['an answer of an unknown path', { path: '/other' }, /nor is anything else/],
    ['an unknown method', { method: 'PUT', status: 500 }, /nor is anything else/],
    ['an unknown status', { status: 500 }, /is not described/],
    ['an unknown status of HEAD', { method: 'HEAD', status: 500, body: null }, /is not described/],
    ['another media type', { contentType: 'text/plain' }, /as text\/plain is not described/],
    ['a missing member', { body: {} }, /must have required property 'id'/],
    ['an undescribed member', { body: { id, colour: 'red' } }, /additional properties/],
    ['a member of another format', { body: { id: '7' } }, /must match format "uuid"/],
    ['an undescribed body', { status: 304 }, /without a body/],
    ['an unlisted code', { ...refusal, body: { code: 'INTERNAL' } }, /INTERNAL is not described/],
  ])('refuses %s', (_name, change, reason) => {
    expect(() => assertDescribed({ ...good, ...change })).toThrow(reason);
  });
});
