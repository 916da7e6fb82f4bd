/*
 * What the gateway answers by itself, as nginx takes it, from the faults of the services: a client cannot tell
 * by the form of an answer who gave it.
 */

/** The faults that a gateway can meet. */
const codes = [
  'VALIDATION_FAILED',
  'ROUTE_NOT_FOUND',
  'PAYLOAD_TOO_LARGE',
  'RATE_LIMITED',
  'OVERLOADED',
  'DEPENDENCY_UNAVAILABLE',
  'INTERNAL',
];
const header = '# Made by "npm run docs" from the faults of the services.\n';

/** Who comes too fast for the gateway may come again as soon as its bucket has run a little lower. */
const retrySeconds = { RATE_LIMITED: 1 };

/** In a string of nginx in single quotes. */
function quoted(text) {
  if (/['\\$]/.test(text.replaceAll(/\$[a-z_]+/g, ''))) throw new Error(`nginx would misread: ${text}`);
  return `'${text}'`;
}

const variableOf = (code) => `$detail_${code.toLowerCase()}`;

/** Maps for the http block: each sentence in the language that the client asked for. */
export function gatewayDetails(faults, sentences) {
  const details = codes.map((code) => [variableOf(code), faults[code].detail]);
  details.push(['$detail_malformed', sentences.malformedRequest]);
  const maps = details.map(
    ([variable, { en, id }]) =>
      `map $language ${variable} {\n    id ${quoted(id)};\n    default ${quoted(en)};\n}\n`,
  );
  return `${header}${maps.join('')}`;
}

/** Named locations for the server block. */
export function gatewayProblems(faults) {
  const locations = codes.map((code) => {
    const { status, title, retryable, retryAfterSeconds = retrySeconds[code] } = faults[code];
    const members = [
      `"type":"urn:ticketing:fault:${code.toLowerCase().replaceAll('_', '-')}"`,
      `"title":"${title}"`,
      `"status":${status}`,
      `"detail":"${variableOf(code)}"`,
      `"code":"${code}"`,
      `"retryable":${retryable}`,
      `"requestId":"$own_request_id"`,
    ];
    if (code === 'VALIDATION_FAILED') members.push('"errors":[{"pointer":"","detail":"$detail_malformed"}]');
    const body = `{${members.join(',')}${code === 'DEPENDENCY_UNAVAILABLE' ? '$lost_outcome' : ''}}`;
    const headers = [
      ['x-request-id', '$own_request_id'],
      ['content-language', '$language'],
      ['cache-control', 'no-store'],
      ['x-content-type-options', 'nosniff'],
      ...(retryAfterSeconds === undefined ? [] : [['retry-after', retryAfterSeconds]]),
    ];
    const lines = [
      'default_type application/problem+json;',
      ...headers.map(([name, value]) => `add_header ${name} ${value} always;`),
      `return ${status} ${quoted(body)};`,
    ];
    return `location @${code} {\n${lines.map((line) => `    ${line}\n`).join('')}}\n`;
  });
  return `${header}${locations.join('')}`;
}
