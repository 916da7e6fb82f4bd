/** Whether a text is a URL that node-postgres can connect to; a socket folder may stand in for the host. */
export function isPostgresUrl(text: string): boolean {
  const url = parse(text, ['postgres:', 'postgresql:']);
  return url !== undefined && (url.hostname !== '' || url.searchParams.has('host'));
}

/** Whether a text is a URL that ioredis can connect to. */
export function isRedisUrl(text: string): boolean {
  const url = parse(text, ['redis:', 'rediss:']);
  return url !== undefined && url.hostname !== '';
}

/** Whether a text is a URL that can be fetched. */
export function isHttpUrl(text: string): boolean {
  return parse(text, ['http:', 'https:']) !== undefined;
}

function parse(text: string, protocols: readonly string[]): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  return protocols.includes(url.protocol) ? url : undefined;
}
