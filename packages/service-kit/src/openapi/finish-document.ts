import { isDeepStrictEqual } from 'node:util';
import { describeProblems } from './describe-route.ts';

interface Operation {
  responses?: Record<string, { headers?: Record<string, object> }>;
}

/** The members of an OpenAPI 3.1 document that are changed here. */
export interface OpenApiDocument {
  components?: { schemas?: Record<string, object>; responses?: Record<string, object> };
  paths?: Record<string, Record<string, Operation>>;
}

const requestIdHeader = {
  schema: { type: 'string' },
  description: 'The id of the request, or a new one; name it in a report.',
};

/** Adds the header of every answer, and moves each titled shape into the components: its uses become references. */
export function finishDocument(made: OpenApiDocument): OpenApiDocument {
  const document = structuredClone(made);
  for (const operations of Object.values(document.paths ?? {})) {
    for (const { responses = {} } of Object.values(operations)) {
      for (const response of Object.values(responses)) {
        response.headers = { 'x-request-id': requestIdHeader, ...response.headers };
      }
    }
  }
  const schemas: Record<string, object> = {};
  document.paths = refer(document.paths, schemas) as NonNullable<OpenApiDocument['paths']>;
  document.components = {
    ...document.components,
    schemas: sorted(schemas),
    responses: { RouteNotFound: toResponse(describeProblems(['ROUTE_NOT_FOUND'])['404'], schemas) },
  };
  return document;
}

/** A schema with a `title` is a shape of its own. */
function refer(node: unknown, schemas: Record<string, object>): unknown {
  if (typeof node !== 'object' || node === null) return node;
  if (Array.isArray(node)) return node.map((item) => refer(item, schemas));
  const copy: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(node)) {
    copy[key] = key === 'example' || key === 'examples' ? value : refer(value, schemas);
  }
  const { title } = copy;
  if (typeof title !== 'string' || !('type' in copy)) return copy;
  // Description and headers belong to the place, not to the shape.
  const { description: _description, headers: _headers, title: _title, ...shape } = copy;
  const known = schemas[title];
  if (known !== undefined && !isDeepStrictEqual(known, shape))
    throw new Error(`two shapes are called ${title}`);
  schemas[title] = shape;
  return { $ref: `#/components/schemas/${title}` };
}

function toResponse(response: object | undefined, schemas: Record<string, object>): object {
  const { description, content } = response as { description: string; content: object };
  return { description, content: refer(content, schemas) };
}

function sorted(schemas: Record<string, object>): Record<string, object> {
  return Object.fromEntries(Object.entries(schemas).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}
