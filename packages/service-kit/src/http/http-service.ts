import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import fastifyPlugin from 'fastify-plugin';

/** A Fastify instance whose routes are typed by their TypeBox schemas. */
export type HttpService = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** The place of a plugin in the order of a service. */
export interface PluginPlace {
  readonly name: string;
  /** The plugins that come before it; Fastify refuses to start a service that registers one of them later, or never. */
  readonly after: readonly string[];
  /** Whether its hooks are for its own routes only; by default they are for the whole service. */
  readonly encapsulate?: boolean;
}

/** Makes a named Fastify plugin whose order is checked at the start. */
export function namedPlugin<Options extends object = object>(
  { name, after, encapsulate = false }: PluginPlace,
  add: (app: HttpService, options: Options) => void,
) {
  // Its result is dropped: an async function would wait for a returned instance, which is thenable.
  const plugin = async (app: HttpService, options: Options) => {
    add(app, options);
  };
  return fastifyPlugin<Options, RawServerDefault, TypeBoxTypeProvider, FastifyBaseLogger, typeof plugin>(
    plugin,
    { name, dependencies: [...after], encapsulate, fastify: '5.x' },
  );
}
