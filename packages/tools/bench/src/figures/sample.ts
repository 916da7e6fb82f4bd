/** What one measurement may say. Times in milliseconds, unless the name says otherwise; `…Micros` is CPU time per request. */
export const measures = [
  'perSecond',
  'p50Ms',
  'p99Ms',
  'serverMicros',
  'postgresMicros',
  'redisMicros',
  'loadMicros',
  'unexpected',
  'drainSeconds',
  'p99BeforeMs',
  'rssHalfwayMb',
  'rssMb',
] as const;

export type Measure = (typeof measures)[number];

export type Sample = Readonly<Partial<Record<Measure, number>>>;
