import { parseArgs, type ParseArgsConfig } from 'node:util';
import { OpsError } from './ops-context.ts';

/** Parses the options and the other words of a command. @throws OpsError for an unknown option */
export function parseOptions<Config extends ParseArgsConfig>(
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new OpsError(`${error.message.split('. ')[0]}. "help" lists the commands and options.`, {
      cause: error,
    });
  }
}
