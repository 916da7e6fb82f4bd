import { once } from 'node:events';
import { v7 as uuidv7 } from 'uuid';
import { WebSocket } from 'ws';
import { bookingRequest, type LoadRequest, type LoadScript } from '../load/load-job.ts';
import type { LoadTimes } from '../load/load-meter.ts';
import { holdInBulk } from '../rig/bulk-holds.ts';
import { createEvent, shuffle } from '../rig/event.ts';
import type { Rig } from '../rig/rig.ts';
import { emptyStores } from '../rig/stores.ts';
import { fillStepsSeats } from '../yardsticks/steps-database.ts';
import { requestFigure } from './measure-load.ts';

/* Figures of one kind of request each, to services that keep running from round to round. */

/** How many seats last for the time, at a rate above every machine's; if they run out the window ends with them. */
export function seatsFor({ warmUpMs, measureMs }: LoadTimes, ratePerSecond: number): number {
  return Math.ceil(((warmUpMs + measureMs) / 1_000) * ratePerSecond);
}

const eachOnce = (requests: readonly LoadRequest[]): LoadScript => ({ kind: 'each-once', requests });

/** So many that no two in flight are the same. */
const differentRequests = 5_000;
const repeat = (request: (number: number) => LoadRequest): LoadScript => ({
  kind: 'over-and-over',
  requests: Array.from({ length: differentRequests }, (_, number) => request(number)),
});

const holdMs = 120_000;
const seatsPerBooking = 4;

/** Each caller books seats that no other caller requests. */
const distinctSeats = (callers: number) => async (rig: Rig, times: LoadTimes) => {
  const { url, pid } = rig.bookingApi;
  const { seatIds } = await createEvent(url, rig.stack.databaseUrl, seatsFor(times, 5_000));
  return { url, pids: [pid], callers, script: eachOnce(shuffle(seatIds).map(bookingRequest)) };
};

async function fourSeats({ bookingApi: { url, pid }, stack }: Rig, times: LoadTimes) {
  const bookings = seatsFor(times, 1_500);
  const { seatIds } = await createEvent(url, stack.databaseUrl, bookings * seatsPerBooking);
  const neighbours = Array.from({ length: bookings }, (_, index) =>
    seatIds.slice(index * seatsPerBooking, (index + 1) * seatsPerBooking),
  );
  return { url, pids: [pid], script: eachOnce(shuffle(neighbours).map(bookingRequest)) };
}

/** The load of `booking`, on the steps one by one. */
const stepsOneByOne = (service: 'steps' | 'limitedSteps') => async (rig: Rig, times: LoadTimes) => {
  const { url, pid, databaseUrl } = rig[service];
  await emptyStores(databaseUrl, rig.stack.redisUrl);
  const seatIds = Array.from({ length: seatsFor(times, 5_000) }, () => uuidv7());
  await fillStepsSeats(databaseUrl, seatIds);
  return { url, pids: [pid], databaseUrl, script: eachOnce(shuffle(seatIds).map(bookingRequest)) };
};

/** The load of `booking`, on a route that does nothing. */
async function bareRoute({ bare: { url, pid } }: Rig) {
  return { url, pids: [pid], script: repeat((number) => bookingRequest(uuidv7(), number)) };
}

/** All callers request the same seat: one books it, the others are refused. */
async function hotSeat({ bookingApi: { url, pid }, stack }: Rig) {
  const { seatIds } = await createEvent(url, stack.databaseUrl, 1);
  return { url, pids: [pid], script: repeat((number) => bookingRequest(seatIds[0]!, number)) };
}

/** All callers request the same seat, which was sold. The process follows its event, since a client has a live connection. */
async function soldSeat({ bookingApi: { url, pid }, paymentApi, stack }: Rig) {
  const { eventId, seatIds } = await createEvent(url, stack.databaseUrl, 1);
  const { id } = await post(url, bookingRequest(seatIds[0]!, 0), 201);
  await post(paymentApi.url, { method: 'POST', path: `/api/v1/payment/${id}/confirm` }, 200);
  const client = new WebSocket(`${url.replace('http:', 'ws:')}/api/v1/events/${eventId}/live`);
  await once(client, 'message');
  const script = repeat((number) => bookingRequest(seatIds[0]!, number));
  return { url, pids: [pid], script, end: () => client.terminate() };
}

async function post(url: string, { method, path, body }: LoadRequest, expected: number) {
  const withBody = body && { headers: { 'content-type': 'application/json' }, body };
  const response = await fetch(`${url}${path}`, { method, ...withBody });
  const answer = (await response.json()) as { readonly id: string };
  if (response.status !== expected) throw new Error(JSON.stringify(answer));
  return answer;
}

/** All callers have the map already and ask whether it has changed. */
async function unchangedMap({ bookingApi: { url, pid }, stack }: Rig) {
  const { eventId } = await createEvent(url, stack.databaseUrl, 10_000);
  const path = `/api/v1/events/${eventId}/seats`;
  const map = await fetch(`${url}${path}`);
  await map.arrayBuffer();
  const headers = { 'if-none-match': map.headers.get('etag')!, 'accept-encoding': 'gzip' };
  return { url, pids: [pid], script: repeat(() => ({ method: 'GET', path, headers })) };
}

async function confirmations({ bookingApi, paymentApi: { url, pid }, stack }: Rig, times: LoadTimes) {
  const { databaseUrl } = stack;
  const { eventId, seatIds } = await createEvent(bookingApi.url, databaseUrl, seatsFor(times, 4_000));
  const holds = await holdInBulk(databaseUrl, eventId, seatIds, new Date(Date.now() + holdMs));
  const requests = shuffle(holds).map(
    ({ bookingId }) => ({ method: 'POST', path: `/api/v1/payment/${bookingId}/confirm` }) as const,
  );
  return { url, pids: [pid], script: eachOnce(requests) };
}

/** 90 % map reads with ETag, 9 % bookings with a Zipf choice of seats, 1 % confirmations; the rate is of requests. */
async function onSaleMix({ bookingApi: { url, pid }, paymentApi, stack }: Rig) {
  const { eventId, seatIds } = await createEvent(url, stack.databaseUrl, 2_000);
  const script: LoadScript = {
    kind: 'on-sale',
    mapPath: `/api/v1/events/${eventId}/seats`,
    seatIds: shuffle(seatIds),
    paymentApiUrl: paymentApi.url,
  };
  return { url, pids: [pid, paymentApi.pid], script };
}

/** Of the on-sale mix, 200 is a changed map or a confirmation, and 400 a seat that another visitor has. */
const onSaleAnswers = ['200', '201', '304', '400'];

export const requestFigures = [
  requestFigure('booking', 'distinct seats, 64 callers', ['201'], distinctSeats(64), 'bookings'),
  requestFigure(
    'steps',
    'the steps one by one, 64 callers',
    ['201'],
    stepsOneByOne('steps'),
    'steps_bookings',
  ),
  requestFigure(
    'limited-steps',
    'the steps one by one, with log and limits, 64 callers',
    ['201'],
    stepsOneByOne('limitedSteps'),
    'steps_bookings',
  ),
  requestFigure('bare', 'a bare Fastify POST route, 64 callers', ['201'], bareRoute),
  requestFigure('refusal', 'one hot seat, refusals, 64 callers', ['400'], hotSeat),
  requestFigure('refusal-sold', 'one sold seat, refusals, 64 callers', ['400'], soldSeat),
  requestFigure('map-304', 'seat map that has not changed (304), 64 callers', ['304'], unchangedMap),
  requestFigure('confirm', 'confirmations, 64 callers', ['200'], confirmations),
  requestFigure('multi-seat', 'bookings of four seats, 64 callers', ['201'], fourSeats, 'bookings'),
  requestFigure('on-sale', 'on-sale mix, requests, 64 callers', onSaleAnswers, onSaleMix),
  requestFigure('lone-booking', 'distinct seats, one caller', ['201'], distinctSeats(1), 'bookings'),
];
