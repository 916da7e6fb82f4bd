import pg from 'pg';
import { readTimestamp } from '../instants.ts';

/**
 * How the driver reads values: as it does by itself, but timestamps by the one reader of this package. Given to each
 * pool and client, because the driver's global table belongs to the program.
 */
export const valueTypes = new pg.TypeOverrides();
valueTypes.setTypeParser(pg.types.builtins.TIMESTAMPTZ, readTimestamp);
