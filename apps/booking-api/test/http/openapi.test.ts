import { openApiFindings } from '@ticketing/testkit';
import { expect, it } from 'vitest';
import { describeApi } from '../../src/describe.ts';

it('the document of booking-api is OpenAPI 3.1 and describes every answer, with an example', async () => {
  expect(await openApiFindings(await describeApi())).toEqual([]);
});

it('the check of the document finds a missing summary, description and example', async () => {
  const document = structuredClone(await describeApi()) as {
    paths: Record<
      string,
      Record<
        string,
        {
          summary?: string;
          responses: Record<
            string,
            { description?: string; content?: Record<string, { examples?: object }> }
          >;
        }
      >
    >;
  };
  const post = document.paths['/api/v1/booking']!['post']!;
  delete post.summary;
  delete post.responses['503']!.description;
  delete post.responses['400']!.content!['application/problem+json']!.examples;
  const findings = await openApiFindings(document);
  expect(findings.join('\n')).toContain('not OpenAPI');
  expect(findings).toEqual(
    expect.arrayContaining([
      'post /api/v1/booking has no summary',
      'post /api/v1/booking 503 says nothing',
      'post /api/v1/booking 400 as application/problem+json has no example',
    ]),
  );
});
