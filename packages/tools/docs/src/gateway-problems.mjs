/*
 * The gateway's own answers as configuration of nginx, made from the problems of the services: a client cannot tell
 * from the form of an answer which of them sent it.
 */

const codes = [
  'ROUTE_NOT_FOUND',
  'PAYLOAD_TOO_LARGE',
  'RATE_LIMITED',
  'OVERLOADED',
  'DEPENDENCY_UNAVAILABLE',
  'INTERNAL',
];
const header = '# Made by "npm run docs" from the problems of the services.\n';

/** The answers to bytes that never became a request: the place of each, its status and its sentence. */
const unread = [
  { location: '= /problems/malformed', status: 400, name: 'malformed', sentence: 'malformedRequest' },
  { location: '= /problems/large-headers', status: 431, name: 'large_headers', sentence: 'largeHeaders' },
];

/** A client that was too fast for the gateway may retry as soon as its bucket is a little lower. */
const retrySeconds = { RATE_LIMITED: 1 };

/** A string of nginx in single quotes. */
function quoted(text) {
  if (/['\\$]/.test(text.replaceAll(/\$[a-z_]+/g, ''))) throw new Error(`nginx would misread: ${text}`);
  return `'${text}'`;
}

const variableOf = (code) => `$detail_${code.toLowerCase()}`;

/** Maps for the http block: each sentence in the language that the client asked for. */
export function gatewayDetails(problems, sentences) {
  const details = ['VALIDATION_FAILED', ...codes].map((code) => [variableOf(code), problems[code].detail]);
  for (const { name, sentence } of unread) details.push([`$detail_${name}`, sentences[sentence]]);
  const maps = details.map(
    ([variable, { en, id }]) =>
      `map $language ${variable} {\n    id ${quoted(id)};\n    default ${quoted(en)};\n}\n`,
  );
  return `${header}${maps.join('')}`;
}

/** Locations for the server block. */
export function gatewayProblems(problems) {
  const kinds = [
    ...unread.map(({ location, status, name }) => {
      const errors = [{ pointer: '', detail: `$detail_${name}` }];
      return { code: 'VALIDATION_FAILED', location, status, more: { errors } };
    }),
    ...codes.map((code) => ({ code, location: `@${code}`, status: problems[code].status, more: {} })),
  ];
  const locations = kinds.map(({ code, location, status, more }) => {
    const { title, retryable, retryAfterSeconds = retrySeconds[code] } = problems[code];
    const type = `urn:ticketing:fault:${code.toLowerCase().replaceAll('_', '-')}`;
    const body = {
      type,
      title,
      status,
      detail: variableOf(code),
      code,
      retryable,
      requestId: '$own_request_id',
      ...more,
    };
    const lostOutcome = code === 'DEPENDENCY_UNAVAILABLE' ? '$lost_outcome' : '';
    const lines = [
      ...(location.startsWith('=') ? ['internal;'] : []),
      'default_type application/problem+json;',
      'add_header x-request-id $own_request_id always;',
      'add_header content-language $language always;',
      'add_header cache-control no-store always;',
      'add_header x-content-type-options nosniff always;',
      ...(retryAfterSeconds === undefined ? [] : [`add_header retry-after ${retryAfterSeconds} always;`]),
      `return ${status} ${quoted(`${JSON.stringify(body).slice(0, -1)}${lostOutcome}}`)};`,
    ];
    return `location ${location} {\n${lines.map((line) => `    ${line}\n`).join('')}}\n`;
  });
  return `${header}${locations.join('')}`;
}
