/** The entries of a list of web origins: `https://tickets.example, http://localhost:5173`. */
function parseOriginList(text: string): string[] {
  return text.split(',').map((entry) => entry.trim());
}

/** Whether each entry is an origin as a browser sends it: scheme, host and port, nothing behind them. */
export function isOriginList(text: string): boolean {
  return parseOriginList(text).every(
    (entry) => /^https?:/.test(entry) && URL.canParse(entry) && new URL(entry).origin === entry,
  );
}

/** Whose pages may talk to the service; undefined when nobody said. */
export function readAllowedOrigins(config: {
  readonly ALLOWED_ORIGINS?: string;
}): readonly string[] | undefined {
  return config.ALLOWED_ORIGINS === undefined ? undefined : parseOriginList(config.ALLOWED_ORIGINS);
}
