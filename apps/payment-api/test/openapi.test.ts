import { openApiFaults } from '@ticketing/testkit';
import { expect, it } from 'vitest';
import { describeApi } from '../src/describe.ts';

it('the document is OpenAPI 3.1, and says of every answer what it means, with an example', async () => {
  expect(await openApiFaults(await describeApi())).toEqual([]);
});
