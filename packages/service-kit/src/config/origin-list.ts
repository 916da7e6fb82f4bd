/** The entries of a list of web origins: `https://tickets.example, http://localhost:5173`. */
export function parseOriginList(text: string): string[] {
  return text.split(',').map((entry) => entry.trim());
}

/** Whether each entry is an origin as a browser sends it: scheme, host and port, nothing behind them. */
export function isOriginList(text: string): boolean {
  return parseOriginList(text).every(
    (entry) => /^https?:/.test(entry) && URL.canParse(entry) && new URL(entry).origin === entry,
  );
}
