import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import { HttpError, sentences } from '../problems/http-error.ts';
import { namedPlugin } from './http-service.ts';

/**
 * Reads JSON bodies, the only bodies that there are: in UTF-8 and not compressed. What cannot be read as it was sent is
 * refused; no byte is replaced.
 */
export const jsonBodies = namedPlugin({ name: 'json-bodies', after: ['problem-handlers'] }, (app) => {
  // A text/plain body would otherwise reach validation as a string.
  app.removeContentTypeParser('text/plain');
  const parseJson = app.getDefaultJsonParser('error', 'error');

  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const bytes = body as Buffer;
    if (!isUtf8(bytes))
      return done(new HttpError('VALIDATION_FAILED', [{ pointer: '', sentence: sentences.notUtf8 }]));
    void parseJson(request, bytes.toString(), done);
  });

  app.addHook('preParsing', (request, _reply, _payload, done) => {
    const { headers } = request.raw;
    const isRefused = hasBody(headers) && (isEncoded(headers) || !isDeclaredUtf8(headers));
    done(isRefused ? new HttpError('UNSUPPORTED_MEDIA_TYPE') : undefined);
  });
});

function hasBody({ 'content-length': length = '0', 'transfer-encoding': coding }: IncomingHttpHeaders) {
  return coding !== undefined || length !== '0';
}

function isEncoded({ 'content-encoding': encoding = '' }: IncomingHttpHeaders): boolean {
  return !/^(?:|identity)$/i.test(encoding.trim());
}

/** JSON is UTF-8 whether or not a charset says so (RFC 8259, 8.1); any other charset is a mistake of the client. */
function isDeclaredUtf8({ 'content-type': type = '' }: IncomingHttpHeaders): boolean {
  return !/;\s*charset\s*=(?!\s*"?utf-?8"?\s*(?:;|$))/i.test(type);
}
