import { setTimeout as delay } from 'node:timers/promises';
import { bookingOf, type Operation } from '../history.ts';
import { sendRequest } from '../workload/send-request.ts';

export interface BuyersOptions {
  readonly bookingApi: { readonly label: string; readonly url: string };
  readonly paymentApi: { readonly label: string; readonly url: string };
  /** Each is bought once. */
  readonly seatIds: readonly string[];
  readonly perSecond: number;
}

export interface Buyers {
  readonly operations: readonly Operation[];
  /** Starts no more of them, and waits for those that have begun. */
  readonly stop: () => Promise<void>;
}

/** Longer than any request may take on a slow machine: a late answer must be told from none. */
const timeoutMs = 20_000;

/**
 * Buyers arrive at a steady rate, however slow the answers are. Each holds a seat that is free; three of four pay for
 * it, and the others give it back.
 */
export function startBuyers({ bookingApi, paymentApi, seatIds, perSecond }: BuyersOptions): Buyers {
  const operations: Operation[] = [];
  const closing = new AbortController();
  const send = async (request: Parameters<typeof sendRequest>[0]): Promise<Operation> => {
    const operation = await sendRequest({ timeoutMs, ...request });
    operations.push(operation);
    return operation;
  };
  const buy = async (index: number): Promise<void> => {
    const userId = `buyer-${index}`;
    const rest = { userId, key: undefined };
    const hold = { kind: 'hold', seatIds: [seatIds[index]!], bookingId: undefined } as const;
    const held = bookingOf(await send({ member: bookingApi, ...hold, ...rest }));
    if (held === undefined) return;
    const { id: bookingId } = held;
    const [kind, member] =
      index % 4 === 0 ? (['release', bookingApi] as const) : (['confirm', paymentApi] as const);
    await send({ member, kind, seatIds: [], bookingId, ...rest });
  };
  const buying: Promise<void>[] = [];
  const arrive = async (): Promise<void> => {
    while (!closing.signal.aborted && buying.length < seatIds.length) {
      buying.push(buy(buying.length));
      await delay(1_000 / perSecond, undefined, { signal: closing.signal }).catch(() => undefined);
    }
  };
  const arriving = arrive();
  return {
    operations,
    stop: async () => {
      closing.abort();
      await arriving;
      await Promise.all(buying);
    },
  };
}
