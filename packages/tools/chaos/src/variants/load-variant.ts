import { register } from 'node:module';

/*
 * Loaded into a service with `--import`: Node then takes the files of the engine through the hook beside this
 * file, which puts in the mistake of the variant that CHAOS_VARIANT names.
 */

register('./variant-hook.js', import.meta.url);
