import { servicePorts, startService, type RunningService, type ServiceName } from '@ticketing/testkit';

/** One process of a service, at one address, through all of its lives. */
export interface Member extends AsyncDisposable {
  readonly name: ServiceName;
  /** "booking-api 2" */
  readonly label: string;
  readonly url: string;
  /** Of its present life. */
  readonly pid: () => number;
  /** SIGKILL; the process stays dead until `revive`. */
  readonly kill: () => Promise<void>;
  /** Starts it again, with more environment for this life. */
  readonly revive: (env?: Readonly<Record<string, string>>) => Promise<void>;
  /** Settles when its present life is over. */
  readonly gone: () => Promise<unknown>;
  readonly freeze: () => void;
  readonly thaw: () => void;
  /** One entry per end that no fault caused, with the end of its output. */
  readonly deaths: readonly string[];
}

export interface MemberOptions {
  readonly name: ServiceName;
  readonly label: string;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly nodeFlags: readonly string[];
}

/** Attempts to start a service: the first time, and again amid faults, which all end. */
const firstAttempts = 4;
const laterAttempts = 20;

export async function startMember(options: MemberOptions): Promise<Member> {
  const { name, label, folder, env, nodeFlags } = options;
  const deaths: string[] = [];
  let wasKilled = false;
  const launch = async (
    more: Readonly<Record<string, string>>,
    attempts: number,
  ): Promise<RunningService> => {
    wasKilled = false;
    try {
      return await startService(name, { ...env, ...more }, { until: 'any', folder, nodeFlags });
    } catch (error) {
      if (attempts <= 1) throw error;
      return launch(more, attempts - 1);
    }
  };
  const watchDeath = ({ exited, logs }: RunningService): void => {
    void exited.then(({ code, signal }) => {
      if (!wasKilled) deaths.push(`${label}: ${signal ?? code}\n${logs().slice(-2_000)}`);
    });
  };
  let life = await launch({}, firstAttempts);
  watchDeath(life);
  const { url, port } = life;
  return {
    name,
    label,
    url,
    pid: () => life.pid,
    deaths,
    kill: async () => {
      wasKilled = true;
      await life.kill();
    },
    revive: async (more = {}) => {
      life = await launch({ ...more, [servicePorts[name].variable]: String(port) }, laterAttempts);
      watchDeath(life);
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
