import fastifySwagger from '@fastify/swagger';
import fastifySwaggerUi from '@fastify/swagger-ui';
import type { FaultCode } from '../faults/faults.ts';
import type { HttpService } from '../http/http-service.ts';
import { describeRoute, type DescribedRoute } from './describe-route.ts';
import { finishDocument, type OpenApiDocument } from './finish-document.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route refuses, beside what every route of its kind may. */
    faults?: readonly FaultCode[];
  }
}

export interface ApiDocsOptions {
  readonly title: string;
  /** Markdown. */
  readonly description: string;
}

/** All of the page comes from the service itself; nothing of it asks another host. */
const contentSecurityPolicy = [
  "default-src 'self'",
  "img-src 'self' data:",
  "style-src 'self' 'unsafe-inline'",
  "object-src 'none'",
  "base-uri 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** Adds `GET /docs`, a page to read, and `GET /docs/json`, OpenAPI 3.1, of all routes that are registered after it. */
export function addApiDocs(app: HttpService, { title, description }: ApiDocsOptions): void {
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
            description: 'Only while authentication is on: the user is the subject, roles are in `roles`.',
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
}

/** What `GET /docs/json` answers, of a service that need not listen. */
export async function openApiOf(app: HttpService): Promise<object> {
  await app.ready();
  return app.swagger();
}
