import type { HttpService } from './http-service.ts';

/** Answers OPTIONS for every path that has a route with the methods it takes (RFC 9110, 9.3.7). */
export function addOptions(app: HttpService): void {
  const methodsOf = new Map<string, Set<string>>();
  app.addHook('onRoute', function ({ url, method, path, config }) {
    if (method === 'OPTIONS' || path.startsWith('/docs')) return;
    let methods = methodsOf.get(url);
    if (methods === undefined) {
      const allowed = new Set(['OPTIONS']);
      methodsOf.set(url, (methods = allowed));
      this.route({
        method: 'OPTIONS',
        url,
        schema: { hide: true },
        config: { ...config, access: 'public' },
        handler: (_request, reply) =>
          reply
            .code(204)
            .header('allow', [...allowed].join(', '))
            .send(),
      });
    }
    for (const name of [method].flat()) methods.add(name);
  });
}
