/** The environment does not fit the schema. The message names each faulty variable, never a value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
