import { openApiFindings } from '@ticketing/testkit';
import { expect, it } from 'vitest';
import { describeApi } from '../src/describe-api.ts';

it('the document is OpenAPI 3.1, and says of every answer what it means, with an example', async () => {
  expect(await openApiFindings(await describeApi())).toEqual([]);
});
