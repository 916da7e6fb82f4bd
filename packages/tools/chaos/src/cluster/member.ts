import { startService, type RunningService, type ServiceName } from '@ticketing/testkit';

/** One process of a service, at one address, through all of its lives. */
export interface Member extends AsyncDisposable {
  readonly name: ServiceName;
  /** "booking-api 2" */
  readonly label: string;
  readonly url: string;
  /** SIGKILL; the process stays away until `revive`. */
  readonly kill: () => Promise<void>;
  /** Starts it again, with what is added to its environment for this life. */
  readonly revive: (env?: Readonly<Record<string, string>>) => Promise<void>;
  /** Settles when its present life is over. */
  readonly gone: () => Promise<unknown>;
  readonly freeze: () => void;
  readonly thaw: () => void;
  /** How often it ended without having been killed, each with the end of its output. */
  readonly deaths: readonly string[];
  /** Everything that its present life has written. */
  readonly logs: () => string;
}

export interface MemberOptions {
  readonly name: ServiceName;
  readonly label: string;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly nodeFlags: readonly string[];
}

const portVariable = {
  'booking-api': 'BOOKING_API_PORT',
  'payment-api': 'PAYMENT_API_PORT',
  'expiry-worker': 'EXPIRY_WORKER_PORT',
} as const satisfies Record<ServiceName, string>;

/** How often a start is tried: of a service that has never run, and of one that comes back amid faults. */
const firstAttempts = 4;
const laterAttempts = 20;

export async function startMember(options: MemberOptions): Promise<Member> {
  const { name, label, folder, env, nodeFlags } = options;
  const deaths: string[] = [];
  let wasKilled = false;
  const launch = async (more: Readonly<Record<string, string>>): Promise<RunningService> => {
    wasKilled = false;
    const started = await startService(name, { ...env, ...more }, { until: 'any', folder, nodeFlags });
    void started.exited.then(({ code, signal }) => {
      if (!wasKilled) deaths.push(`${label}: ${signal ?? code}\n${started.logs().slice(-2_000)}`);
    });
    return started;
  };
  /** What it needs to start may be under a fault of its own, or the machine under load; both end. */
  const launchAtLast = async (
    more: Readonly<Record<string, string>>,
    attempts: number,
  ): Promise<RunningService> => {
    try {
      return await launch(more);
    } catch (error) {
      if (attempts <= 1) throw error;
      return launchAtLast(more, attempts - 1);
    }
  };
  let life = await launchAtLast({}, firstAttempts);
  const { url, port } = life;
  return {
    name,
    label,
    url,
    deaths,
    logs: () => life.logs(),
    kill: async () => {
      wasKilled = true;
      await life.kill();
    },
    revive: async (more = {}) => {
      life = await launchAtLast({ ...more, [portVariable[name]]: String(port) }, laterAttempts);
    },
    gone: () => life.exited,
    freeze: () => void life.signal('SIGSTOP'),
    thaw: () => void life.signal('SIGCONT'),
    [Symbol.asyncDispose]: async () => {
      wasKilled = true;
      await life[Symbol.asyncDispose]();
    },
  };
}
