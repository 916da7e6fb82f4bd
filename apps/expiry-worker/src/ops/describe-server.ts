/** Which server a URL names, without who asks it: for a sentence. */
export function describeServer(url: string): string {
  const { host, pathname } = new URL(url);
  const database = pathname.replace(/^\//, '');
  return database === '' ? host : `${database} on ${host}`;
}
