import { asserted } from '../../engine/assertions.ts';
import { collectGarbage } from '../../engine/garbage.ts';
import { NotApplicable, RequirementBroken } from '../../engine/outcome.ts';
import { pause, within } from '../../engine/waiting.ts';
import { streamBody } from '../bodies.ts';
import { expect, type StorageEnv, type StorageTest } from '../env.ts';

const MiB = 1024 * 1024;
/** What may be held at a time: parts on their way, buffers of a client. */
const ROOM = 48 * MiB;
/** Twice the room, so that whoever holds the whole body is found out whatever the budget. */
const LEAST_VOLUME = 2 * ROOM;

/** Bytes of a body that is long in comparison with what may be held. */
function volume(env: StorageEnv): number {
  const { maxObjectBytes } = env.capabilities;
  if (maxObjectBytes < LEAST_VOLUME) {
    throw new NotApplicable(`does not apply: bodies of at most ${maxObjectBytes} bytes are small enough to be held`);
  }
  return Math.min(Math.max(Math.round(256 * Math.min(1, env.scale)) * MiB, LEAST_VOLUME), maxObjectBytes);
}

/** Bytes of buffers and heap in use now, without what only waits for the collector. */
function memory(): number {
  collectGarbage();
  return memoryWithGarbage();
}

function memoryWithGarbage(): number {
  const { heapUsed, arrayBuffers, external } = process.memoryUsage();
  return heapUsed + Math.max(arrayBuffers, external);
}

/**
 * Bytes in use beyond `before`. To collect takes its time: below half the room garbage may stay. Not
 * only at its end, because buffers are given back by and by, after the collector has been through.
 */
function growth(before: number): number {
  const most = memoryWithGarbage() - before;
  return most < ROOM / 2 ? most : memory() - before;
}

/**
 * The same once it has come to rest: what earlier tests let go is given back by and by, and counted as a start that is
 * too high it would hide growth.
 */
async function memoryAtRest(): Promise<number> {
  let least = memory();
  for (let calm = 0, looks = 0; calm < 3 && looks < 50; looks += 1) {
    await pause(10);
    const now = memory();
    calm = now < least - MiB ? 0 : calm + 1;
    least = Math.min(least, now);
  }
  return least;
}

async function* flow(size: number, watch: () => void): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < size; sent += MiB) {
    if (sent % (8 * MiB) === 0) watch();
    // A new array each time: chunks are not reused by the sender.
    yield new Uint8Array(Math.min(MiB, size - sent)).fill(sent / MiB);
  }
}

export const resourcesTests: readonly StorageTest[] = [
  {
    requirement: 'resources.put-memory-is-bounded',
    title: 'memory while a long body streams in',
    timeoutMs: 300_000,
    async run(env) {
      const size = volume(env);
      const before = await memoryAtRest();
      let peak = 0;
      const watch = () => {
        peak = Math.max(peak, growth(before));
      };
      await within(
        290_000,
        'A long put',
        env.adapter.put(env.key('in'), streamBody(flow(size, watch), { lends: false }), META, undefined, env.context()),
      );
      expect(peak < ROOM, `While ${size / MiB} MiB streamed in, memory grew by ${Math.round(peak / MiB)} MiB.`);
    },
  },
  {
    requirement: 'resources.get-memory-is-bounded',
    title: 'memory while a long body streams out to a slow reader',
    timeoutMs: 300_000,
    async run(env) {
      const size = volume(env);
      const key = env.key('out');
      await env.supposed('a long body can be put', () =>
        env.adapter.put(
          key,
          streamBody(
            flow(size, () => undefined),
            { lends: false },
          ),
          META,
          undefined,
          env.context(),
        ),
      );
      const before = await memoryAtRest();
      let peak = 0;
      let length = 0;
      let looked = 0;
      const entry = await env.limited('get', env.adapter.get(key, undefined, env.context()));
      if (entry?.kind !== 'entry') throw new RequirementBroken('The long body is not there.');
      for await (const chunk of entry.body.stream()) {
        if (length === 0) await pause(100);
        length += chunk.length;
        if (length < looked) continue;
        looked += 8 * MiB;
        peak = Math.max(peak, growth(before));
      }
      expect(length === size, `${length} of ${size} bytes came back.`);
      expect(peak < ROOM, `While ${size / MiB} MiB streamed out, memory grew by ${Math.round(peak / MiB)} MiB.`);
    },
  },
];

/** Must run last: it tells what the tests before it left behind. */
export const finalTests: readonly StorageTest[] = [
  {
    requirement: 'resources.nothing-is-left',
    title: 'after every test its prefix was empty and nothing was left open',
    async run(env) {
      const { leftovers } = env;
      asserted();
      if (leftovers.length === 0) return;
      throw new RequirementBroken(
        `${leftovers.length} things were left, first: ${leftovers[0]}`,
        leftovers.slice(0, 10),
      );
    },
  },
];

const META = { encoded: 'v1;long', contentType: 'image/tiff' } as const;
