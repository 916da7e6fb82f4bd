import { describe, expect, it } from 'vitest';
import { describedAnswers } from '../src/fixtures/described-answers.ts';

const seat = { type: 'object', required: ['id'], properties: { id: { type: 'string', format: 'uuid' } } };
const assertDescribed = describedAnswers({
  openapi: '3.1.0',
  components: {
    schemas: { Seat: seat, Problem: { type: 'object', properties: { code: { type: 'string' } } } },
  },
  paths: {
    '/seats/{id}': {
      get: {
        responses: {
          200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Seat' } } } },
          304: { description: 'nothing new' },
          400: {
            content: {
              'application/problem+json': {
                schema: { $ref: '#/components/schemas/Problem' },
                examples: { SEAT_TAKEN: {} },
              },
            },
          },
        },
      },
    },
  },
});
const id = '01a2082d-7486-721a-9bc4-ee6c8ca29bc6';
const answer = {
  method: 'GET',
  path: '/seats/1?x=2',
  status: 200,
  contentType: 'application/json',
  body: { id },
};
const problem = { ...answer, status: 400, contentType: 'application/problem+json' };

describe('an answer is taken for described', () => {
  it.each([
    ['with the members that it should have', { ...answer, contentType: 'application/json; charset=utf-8' }],
    ['without a body where there is none', { ...answer, status: 304, contentType: null, body: null }],
    ['as a fault that the status lists', { ...problem, body: { code: 'SEAT_TAKEN' } }],
    ['as unknown of a path that has no operation', { ...answer, path: '/other', status: 404 }],
    ['without its body for HEAD', { ...answer, method: 'HEAD', body: null }],
    [
      'as the methods of a path',
      { ...answer, method: 'OPTIONS', status: 204, contentType: null, body: null },
    ],
    ['of the document itself', { ...answer, path: '/docs/json', body: {} }],
  ])('%s', (_name, described) => {
    expect(() => assertDescribed(described)).not.toThrow();
  });
});

describe('an answer is found out', () => {
  it.each([
    ['of a path that has no operation', { ...answer, path: '/other' }, /nor is anything else/],
    [
      'of HEAD with another status',
      { ...answer, method: 'HEAD', status: 500, body: null },
      /is not described/,
    ],
    ['of a method that has no operation', { ...answer, method: 'PUT', status: 500 }, /nor is anything else/],
    ['with another status', { ...answer, status: 500 }, /is not described/],
    ['with another type', { ...answer, contentType: 'text/plain' }, /as text\/plain is not described/],
    ['without a member', { ...answer, body: {} }, /must have required property 'id'/],
    ['with a member that nobody knows', { ...answer, body: { id, colour: 'red' } }, /additional properties/],
    ['with a member of another form', { ...answer, body: { id: '7' } }, /must match format "uuid"/],
    ['with a body where there should be none', { ...answer, status: 304 }, /without a body/],
    [
      'with a code that the status does not list',
      { ...problem, body: { code: 'INTERNAL' } },
      /INTERNAL is not described/,
    ],
  ])('%s', (_name, received, fault) => {
    expect(() => assertDescribed(received)).toThrow(fault);
  });
});
