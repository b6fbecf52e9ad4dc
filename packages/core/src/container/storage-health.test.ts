import { expect, test } from 'vitest';
import type { ProxyEvent } from '../contracts/observer.ts';
import { StorageHealth } from './storage-health.ts';

function setUp() {
  const events: ProxyEvent[] = [];
  return { health: new StorageHealth((event) => void events.push(event)), events };
}

test('names the storage that is paused', () => {
  const { health } = setUp();
  expect(health.paused).toBeUndefined();
  health.change('fs', 'writes', 'paused', 'no-space');
  health.change('s3', 'reads', 'paused', 'timeout');
  expect(health.paused).toBe('fs');
  health.change('fs', 'writes', 'working');
  expect(health.paused).toBe('s3');
});

test('tells each change once', () => {
  const { health, events } = setUp();
  health.change('fs', 'reads', 'working');
  health.change('fs', 'reads', 'paused', 'timeout');
  health.change('fs', 'reads', 'paused', 'timeout');
  health.change('fs', 'reads', 'working');
  expect(events.map((event) => event.type === 'storage-state' && event.state)).toEqual(['paused', 'working']);
});

test('a storage that is open does not work yet where its breaker says otherwise', () => {
  const { health, events } = setUp();
  health.change('fs', 'reads', 'paused', 'timeout');
  health.opening('fs', 'working');
  expect(health.paused).toBe('fs');
  health.opening('fs', 'paused', 'timeout');
  health.change('fs', 'reads', 'working');
  expect(health.paused).toBe('fs');
  expect(events).toHaveLength(1);
  health.opening('fs', 'working');
  expect(health.paused).toBeUndefined();
  expect(events).toHaveLength(2);
});
