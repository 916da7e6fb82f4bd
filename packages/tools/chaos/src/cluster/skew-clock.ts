/*
 * Loaded into a service with `--import`: its clock is wrong by CHAOS_CLOCK_SKEW_MS. Timers run right, as on a
 * machine whose time was set by hand.
 */

import { env } from 'node:process';

const skewMs = Number(env['CHAOS_CLOCK_SKEW_MS'] ?? 0);
const Clock = globalThis.Date;

class SkewedDate extends Clock {
  constructor(...args: readonly unknown[]) {
    // Without arguments it is the present; with arguments it is data.
    super(...((args.length === 0 ? [Clock.now() + skewMs] : args) as [number]));
  }

  static override now(): number {
    return Clock.now() + skewMs;
  }
}

globalThis.Date = SkewedDate as DateConstructor;
