import {
  type ByteStream,
  definePlugin,
  type GetOutcome,
  type Plugin,
  type StorageAdapter,
  StorageError,
  StreamedBody,
} from '@tintype/core';
import { MemoryStorage } from '@tintype/memory';

/** `stalls`: entries are found, and their bodies don't come. */
export type Trouble = 'none' | 'hangs' | 'stalls' | 'full' | 'down';

export interface LabStorage {
  /** Brings the storage `lab`. */
  readonly plugin: Plugin;
  /** What each operation that begins from now on meets. What hangs goes on when it changes. */
  trouble: Trouble;
  whenOver(): Promise<void>;
  /** Operations so far, by name. */
  readonly calls: string[];
}

/** A storage in memory, reached as if over a network, that gets into trouble when the test says so. */
export function labStorage(trouble: Trouble = 'none'): LabStorage {
  let current = trouble;
  let waiting: (() => void)[] = [];
  const lab: LabStorage = {
    get trouble() {
      return current;
    },
    set trouble(next) {
      current = next;
      for (const wake of waiting) wake();
      waiting = [];
    },
    whenOver: () => new Promise((resolve) => void waiting.push(resolve)),
    calls: [],
    plugin: definePlugin({
      name: 'test/lab',
      register: (registry) =>
        registry.storage({ id: 'lab', options: {}, create: () => troubled(new MemoryStorage({ maxBytes: 0 }), lab) }),
    }),
  };
  return lab;
}

function troubled(storage: StorageAdapter, lab: LabStorage): StorageAdapter {
  return new Proxy(storage, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (name === 'close') return value.bind(target);
      return async (...parameters: unknown[]) => {
        lab.calls.push(String(name));
        if (lab.trouble === 'hangs') await lab.whenOver();
        if (lab.trouble === 'down') throw new StorageError({ code: 'unavailable', message: 'The network is down.' });
        if (lab.trouble === 'full' && name === 'put') {
          throw new StorageError({ code: 'no-space', message: 'The disk is full.' });
        }
        const result = value.apply(target, parameters);
        return lab.trouble === 'stalls' && name === 'get' ? stalled(await result, lab) : result;
      };
    },
  });
}

/** What was found, without its body until the trouble is over. */
function stalled(found: GetOutcome, lab: LabStorage): GetOutcome {
  if (found?.kind !== 'entry') return found;
  async function* late(body: ByteStream): ByteStream {
    await lab.whenOver();
    yield* body;
  }
  const { body } = found;
  const discard = (): Promise<void> => body.discard();
  return { ...found, body: new StreamedBody(() => late(body.stream()), discard) };
}
