import type { Bench } from './figure.ts';
import type { Child } from './processes/calls.ts';
import type { ClosedLoop, LoopCount } from './processes/load-generator.ts';

/** What one side of a comparison gave in one round. */
export interface Throughput {
  readonly perSecond: number;
  /** Microseconds of processor time that the server took for each answer. */
  readonly microseconds: number;
  /** Share of a core that the load generator took. */
  readonly generatorBusy: number;
}

/** Measures two servers in turn, `bench.rounds` times: ours first in odd rounds, the other first in even ones. */
export async function alternate<T>(
  bench: Bench,
  name: string,
  ours: () => Promise<T>,
  reference: () => Promise<T>,
): Promise<readonly { readonly ours: T; readonly reference: T }[]> {
  const pairs: { ours: T; reference: T }[] = [];
  for (let round = 1; round <= bench.rounds; round++) {
    bench.progress(`${name}: pair ${round} of ${bench.rounds}`);
    if (round % 2 === 1) {
      const first = await ours();
      pairs.push({ ours: first, reference: await reference() });
    } else {
      const first = await reference();
      pairs.push({ ours: await ours(), reference: first });
    }
  }
  return pairs;
}

/** Counts the answers of one server in one round. */
export async function throughput(
  bench: Bench,
  generator: Child,
  server: Child,
  paths: readonly string[],
  loop: Pick<ClosedLoop, 'port' | 'mustHit'>,
): Promise<Throughput> {
  await generator.call('setPaths', paths);
  const ask = (seconds: number) =>
    generator.call<LoopCount>('closedLoop', { ...loop, connections: CONNECTIONS, seconds } satisfies ClosedLoop);
  await ask(0.5);
  const before = await server.call<NodeJS.CpuUsage>('cpu');
  const { answers, seconds, busy } = await ask(bench.seconds);
  const after = await server.call<NodeJS.CpuUsage>('cpu');
  const cpu = after.user + after.system - before.user - before.system;
  return { perSecond: answers / seconds, microseconds: cpu / answers, generatorBusy: busy };
}

/** Requests under way at any time. */
export const CONNECTIONS = 32;
