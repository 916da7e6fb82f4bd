/*
 * The gateway's own answers as configuration of nginx, made from the problems of the services: a client cannot tell
 * from the form of an answer which of them sent it.
 */

const codes = [
  'VALIDATION_FAILED',
  'ROUTE_NOT_FOUND',
  'PAYLOAD_TOO_LARGE',
  'RATE_LIMITED',
  'OVERLOADED',
  'DEPENDENCY_UNAVAILABLE',
  'INTERNAL',
];
const header = '# Made by "npm run docs" from the problems of the services.\n';

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
  const details = codes.map((code) => [variableOf(code), problems[code].detail]);
  details.push(['$detail_malformed', sentences.malformedRequest]);
  const maps = details.map(
    ([variable, { en, id }]) =>
      `map $language ${variable} {\n    id ${quoted(id)};\n    default ${quoted(en)};\n}\n`,
  );
  return `${header}${maps.join('')}`;
}

/** Named locations for the server block. */
export function gatewayProblems(problems) {
  const locations = codes.map((code) => {
    const { status, title, retryable, retryAfterSeconds = retrySeconds[code] } = problems[code];
    const type = `urn:ticketing:fault:${code.toLowerCase().replaceAll('_', '-')}`;
    const body = {
      type,
      title,
      status,
      detail: variableOf(code),
      code,
      retryable,
      requestId: '$own_request_id',
    };
    if (code === 'VALIDATION_FAILED') body.errors = [{ pointer: '', detail: '$detail_malformed' }];
    const lostOutcome = code === 'DEPENDENCY_UNAVAILABLE' ? '$lost_outcome' : '';
    const lines = [
      'default_type application/problem+json;',
      'add_header x-request-id $own_request_id always;',
      'add_header content-language $language always;',
      'add_header cache-control no-store always;',
      'add_header x-content-type-options nosniff always;',
      ...(retryAfterSeconds === undefined ? [] : [`add_header retry-after ${retryAfterSeconds} always;`]),
      `return ${status} ${quoted(`${JSON.stringify(body).slice(0, -1)}${lostOutcome}}`)};`,
    ];
    return `location @${code} {\n${lines.map((line) => `    ${line}\n`).join('')}}\n`;
  });
  return `${header}${locations.join('')}`;
}
