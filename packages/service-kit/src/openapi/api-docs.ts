import fastifySwagger from '@fastify/swagger';
import fastifySwaggerUi from '@fastify/swagger-ui';
import { namedPlugin, type HttpService } from '../http/http-service.ts';
import type { ProblemCode } from '../problems/problem-table.ts';
import { describeRoute, type DescribedRoute } from './describe-route.ts';
import { finishDocument, type OpenApiDocument } from './finish-document.ts';

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
