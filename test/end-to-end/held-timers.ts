import { onTestFinished, vi } from 'vitest';

/**
 * Until the end of the test, timers of so many seconds go off when it says so, and those of any other
 * length as always: so nothing is late, or in time, because a machine is slow or fast.
 */
export function heldTimers(seconds: number): { goOff(): void } {
  const { setTimeout: start, clearTimeout: end } = globalThis;
  const held = new Map<unknown, () => void>();
  const starting = (callback: (...given: unknown[]) => void, ms?: number, ...given: unknown[]): NodeJS.Timeout => {
    if (ms !== seconds * 1_000) return start(callback, ms, ...given);
    // Something to give back that can be cleared, and that takes no part in anything.
    const timer = start(() => undefined, 0).unref();
    held.set(timer, () => callback(...given));
    return timer;
  };
  const spies = [
    vi.spyOn(globalThis, 'setTimeout').mockImplementation(starting as typeof setTimeout),
    vi.spyOn(globalThis, 'clearTimeout').mockImplementation((timer) => {
      held.delete(timer);
      end(timer);
    }),
  ];
  onTestFinished(() => {
    for (const spy of spies) spy.mockRestore();
  });
  return {
    goOff() {
      for (const [timer, callback] of held) {
        held.delete(timer);
        callback();
      }
    },
  };
}
