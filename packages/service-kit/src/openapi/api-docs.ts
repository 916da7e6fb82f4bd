import fastifySwagger from '@fastify/swagger';
import fastifySwaggerUi from '@fastify/swagger-ui';
import { namedPlugin, type HttpService } from '../http/http-service.ts';
import type { ProblemCode } from '../problems/problem-table.ts';
import { describeRoute, type DescribedRoute, describeProblems } from './describe-route.ts';
import { isDeepStrictEqual } from 'node:util';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The problems that the route answers, beyond those of every route of its kind. */
    problems?: readonly ProblemCode[];
  }
}

export interface ApiDocsOptions {
  readonly title: string;
  /** Markdown. */
  readonly description: string;
}

/** The page comes from the service itself and loads nothing from another host. */
const contentSecurityPolicy = [
  "default-src 'self'",
  "img-src 'self' data:",
  "style-src 'self' 'unsafe-inline'",
  "object-src 'none'",
  "base-uri 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** Adds `GET /docs`, a page, and `GET /docs/json`, OpenAPI 3.1, of the routes that are registered after it. */
export const apiDocs = namedPlugin<ApiDocsOptions>(
  { name: 'api-docs', after: ['request-context', 'cors'] },
  (app, { title, description }) => {
    app.register(fastifySwagger, {
      openapi: {
        openapi: '3.1.0',
        info: { title, description, version: '1', license: { name: 'MIT', identifier: 'MIT' } },
        servers: [{ url: '/', description: 'this service' }],
        components: {
          securitySchemes: {
            bearer: {
              type: 'http',
              scheme: 'bearer',
              bearerFormat: 'JWT',
              description:
                'Only while authentication is on: the subject is the user, `roles` lists the roles.',
            },
          },
        },
      },
      transform: ({ url, schema, route }) => ({
        url,
        schema: describeRoute({
          url,
          method: String(route.method),
          schema: (schema ?? {}) as DescribedRoute['schema'],
          config: route.config ?? {},
        }),
      }),
      transformObject: (made) =>
        finishDocument(('openapiObject' in made ? made.openapiObject : {}) as OpenApiDocument),
    });
    app.register(async (scope) => {
      scope.addHook('onRoute', (route) => {
        route.config = { ...route.config, access: 'public' };
      });
      await scope.register(fastifySwaggerUi, {
        routePrefix: '/docs',
        staticCSP: contentSecurityPolicy,
        uiConfig: { validatorUrl: null, deepLinking: true },
      });
    });
  },
);

/** The answer of `GET /docs/json`; the service need not listen. */
export async function openApiOf(app: HttpService): Promise<object> {
  await app.ready();
  return app.swagger();
}

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
function finishDocument(made: OpenApiDocument): OpenApiDocument {
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
