import { parseArgs, type ParseArgsConfig } from 'node:util';
import { OpsError } from './ops-context.ts';

/** The options and the other words of a command. @throws OpsError for what it does not know */
export function parseOptions<Config extends ParseArgsConfig>(
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new OpsError(`${error.message.split('. ')[0]}. "help" shows what there is.`, { cause: error });
  }
}
