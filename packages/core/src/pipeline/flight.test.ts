import { expect, test } from 'vitest';
import { type FlightControl, Flights, type FlightWork } from './flight.ts';

function scripted() {
  const result = Promise.withResolvers<string>();
  const settled = Promise.withResolvers<void>();
  const controls: FlightControl[] = [];
  const start = (control: FlightControl): FlightWork<string> => {
    controls.push(control);
    return { result: result.promise, settled: settled.promise };
  };
  return { result, settled, controls, start };
}
const live = () => new AbortController();

test('whoever asks meanwhile joins, until everything has settled', async () => {
  const flights = new Flights<string>();
  const { result, settled, controls, start } = scripted();
  const first = flights.join('k', live().signal, start);
  const second = flights.join('k', live().signal, start);
  result.resolve('picture');
  expect(await first).toEqual({ value: 'picture', collapsed: false });
  expect(await second).toEqual({ value: 'picture', collapsed: true });
  expect(await flights.join('k', live().signal, start)).toEqual({ value: 'picture', collapsed: true });
  expect(controls).toHaveLength(1);
  settled.resolve();
  await flights.settled();
  expect(await flights.join('k', live().signal, start)).toMatchObject({ collapsed: false });
});

test('a flight that nobody waits for is cancelled, and not joined by whoever comes next', async () => {
  const flights = new Flights<string>();
  const { controls, start } = scripted();
  const [a, b] = [live(), live()];
  const first = flights.join('k', a.signal, start);
  const second = flights.join('k', b.signal, start);
  a.abort(new Error('a left'));
  await expect(first).rejects.toThrow('a left');
  expect(controls[0]?.signal.aborted).toBe(false);
  b.abort(new Error('b left'));
  await expect(second).rejects.toThrow('b left');
  expect(controls[0]?.signal.aborted).toBe(true);
  void flights.join('k', live().signal, start);
  expect(controls).toHaveLength(2);
});

test('once bytes have come it goes on without anybody', async () => {
  const flights = new Flights<string>();
  const { controls, start, result } = scripted();
  const client = live();
  const waiting = flights.join('k', client.signal, start);
  controls[0]?.commit();
  client.abort(new Error('left'));
  await expect(waiting).rejects.toThrow('left');
  expect(controls[0]?.signal.aborted).toBe(false);
  const next = flights.join('k', live().signal, start);
  result.resolve('picture');
  expect(await next).toEqual({ value: 'picture', collapsed: true });
});

test('one that cancels itself is not joined, and all of them can be aborted', async () => {
  const flights = new Flights<string>();
  const { controls, start, result } = scripted();
  result.resolve('picture');
  await flights.join('k', live().signal, start);
  controls[0]?.commit();
  controls[0]?.cancel(new Error('unwanted'));
  expect(controls[0]?.signal.reason).toEqual(new Error('unwanted'));
  expect(await flights.join('k', live().signal, start)).toMatchObject({ collapsed: false });
  controls[1]?.commit();
  flights.abort(new Error('closed'));
  expect(controls[1]?.signal.reason).toEqual(new Error('closed'));
});

test("a failure is everyone's", async () => {
  const flights = new Flights<string>();
  const { result, start } = scripted();
  const both = [flights.join('k', live().signal, start), flights.join('k', live().signal, start)];
  result.reject(new Error('broken'));
  for (const outcome of await Promise.allSettled(both)) expect(outcome.status).toBe('rejected');
});

test('whether a flight ended since is known, so that a slow lookup can be done again', async () => {
  const flights = new Flights<string>();
  const { result, settled, start } = scripted();
  const { mark } = flights;
  const waiting = flights.join('k', live().signal, start);
  expect([flights.has('k'), flights.has('other'), flights.endedSince('k', mark)]).toEqual([true, false, false]);
  result.resolve('picture');
  settled.resolve();
  await waiting;
  await flights.settled();
  expect([flights.has('k'), flights.endedSince('k', mark), flights.endedSince('other', mark)]).toEqual([
    false,
    true,
    false,
  ]);
  expect(flights.endedSince('k', flights.mark)).toBe(false);
});

test('the work hears of each who joins, when it counts among the waiters, as long as it wants to', async () => {
  const flights = new Flights<string>();
  const { controls, start } = scripted();
  const seen: number[] = [];
  const join = () => void flights.join('k', live().signal, start);
  join();
  join();
  const [control] = controls;
  control?.onJoin(() => seen.push(control.waiters));
  join();
  join();
  control?.onJoin(undefined);
  join();
  expect(seen).toEqual([3, 4]);
});
