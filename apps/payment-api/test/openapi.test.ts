import { openApiFindings } from '@ticketing/testkit';
import { expect, it } from 'vitest';
import { describeApi } from '../src/describe.ts';

it('the document of payment-api is OpenAPI 3.1; every answer has a description and an example', async () => {
  expect(await openApiFindings(await describeApi())).toEqual([]);
});
