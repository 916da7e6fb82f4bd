/** The server and database of a URL, without user and password. */
export function describeServer(url: string): string {
  const { host, pathname } = new URL(url);
  const database = pathname.replace(/^\//, '');
  return database === '' ? host : `${database} on ${host}`;
}
