import { expect, it } from 'vitest';
import { SeatCoreError } from '../src/errors.ts';
import { defaultSettings, settingsFrom } from '../src/options.ts';

const pointersOf = (options: object): string[] => {
  try {
    settingsFrom(options);
    return [];
  } catch (error) {
    if (!(error instanceof SeatCoreError) || !error.is('VALIDATION_FAILED')) throw error;
    return error.details.errors.map(({ pointer }) => pointer);
  }
};

it('takes the defaults for settings that are left out', () => {
  expect(settingsFrom({})).toEqual(defaultSettings);
  expect(settingsFrom({ holdSeconds: 0.5 })).toEqual({ ...defaultSettings, holdSeconds: 0.5 });
});

it.each<[string, object, string[]]>([
  ['a hold of no time', { holdSeconds: 0 }, ['/holdSeconds']],
  ['a hold of two hours', { holdSeconds: 7_200 }, ['/holdSeconds']],
  ['a hold that is no number', { holdSeconds: '120' }, ['/holdSeconds']],
  ['a hold without end', { holdSeconds: Infinity }, ['/holdSeconds']],
  ['a lock of a second', { seatLockSeconds: 1 }, ['/seatLockSeconds']],
  ['bookings of no seat', { maxSeatsPerBooking: 0 }, ['/maxSeatsPerBooking']],
  ['half a seat per user', { maxHeldSeatsPerUser: 10.5 }, ['/maxHeldSeatsPerUser']],
  ['bookings of more seats than a user may hold', { maxSeatsPerBooking: 30 }, ['/maxSeatsPerBooking']],
  ['a limit for users below the default for bookings', { maxHeldSeatsPerUser: 4 }, ['/maxSeatsPerBooking']],
  ['two wrong settings', { holdSeconds: -1, seatLockSeconds: 100 }, ['/holdSeconds', '/seatLockSeconds']],
])('refuses %s, by name', (_, options, pointers) => {
  expect(pointersOf(options)).toEqual(pointers);
});
