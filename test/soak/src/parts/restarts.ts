import { join } from 'node:path';
import { Balancer } from '../../../operations/balancer.ts';
import { Load } from '../../../operations/client.ts';
import { freePort, TintypeProcess } from '../../../operations/tintype-process.ts';
import { atShare, type Part, type PartResult, plural, type Soak } from '../part.ts';

const RESTARTS = 30;
const CLIENTS = 8;
/** Answers between two restarts. */
const ANSWERS_BETWEEN = 50;
/** No further restart is begun after so long, in milliseconds. */
const TIME_LIMIT_MS = 200_000;

/** What clients behind a load balancer saw of the restarts. */
export interface RestartsOutcome {
  readonly restarts: number;
  readonly answers: number;
  readonly failures: readonly string[];
}

/** Restarts two proxies behind a load balancer in turn: SIGTERM, drain, start. */
export async function restartInTurn(
  scratch: string,
  count: number,
  progress: (line: string) => void = () => {},
): Promise<RestartsOutcome> {
  const ports = [await freePort(), await freePort()];
  const start = (port: number) =>
    new TintypeProcess({
      env: {
        TINTYPE_BIND: `127.0.0.1:${port}`,
        TINTYPE_CACHE_USE: 'fs',
        // As many as it is by default.
        TINTYPE_TRANSFORM_PROCESSES: '',
        TINTYPE_CACHE_FS_ROOT: join(scratch, 'cache'),
        TINTYPE_DRAIN_DELAY: '1',
      },
    });
  const running = ports.map(start);
  const balancer = new Balancer(ports.map((port) => `http://127.0.0.1:${port}`));
  const failures: string[] = [];
  let restarts = 0;
  try {
    await Promise.all(running.map((proxy) => proxy.serves()));
    await balancer.look();
    // Three in four are the same few images, the others new ones.
    const load = new Load(CLIENTS, balancer.next, (client, nth) => {
      const width = nth % 4 === 0 ? 40 + ((client * 500 + nth) % 2_000) : 32 + (nth % 7);
      return `/unsafe/rs:fit:${width}/plain/local:///rocket.jpg`;
    });
    const deadline = performance.now() + TIME_LIMIT_MS;
    await load.more(ANSWERS_BETWEEN);
    for (; restarts < count && performance.now() < deadline; restarts++) {
      const at = restarts % ports.length;
      const code = await running[at]?.stop();
      if (code !== 0) failures.push(`exit code ${code} of restart ${restarts + 1}`);
      const after = start(ports[at] ?? 0);
      running[at] = after;
      await after.serves();
      await balancer.look();
      await load.more(ANSWERS_BETWEEN);
      await after.line(({ msg }) => msg === 'request');
      if (restarts % 10 === 9)
        progress(`${restarts + 1} restarts, ${load.answered} answers, ${load.failures.length} failed`);
    }
    await load.stop();
    return { restarts, answers: load.answered, failures: [...failures, ...load.failures] };
  } finally {
    balancer.close();
    for (const proxy of running) await proxy[Symbol.asyncDispose]();
  }
}

export const restarts: Part = {
  name: 'restarts',
  title: 'Rolling restarts under load',
  minutes: 4,
  async run(soak: Soak): Promise<PartResult> {
    const wanted = atShare(soak, RESTARTS);
    const { restarts: done, answers, failures } = await restartInTurn(soak.scratch, wanted, soak.progress);
    return {
      ok: failures.length === 0 && done > 0,
      summary: `${plural(done, 'restart')} (SIGTERM, drain, start) of two proxies in turn: ${plural(failures.length, 'failed request')} of ${answers.toLocaleString('en')}.`,
      details: [
        `* ${CLIENTS} clients on connections that are kept alive, behind a balancer that looks at \`/readyz\` ten times a second; no request is tried twice.`,
        ...failures.slice(0, 20).map((failure) => `* **${failure}**`),
      ],
      omitted: done < RESTARTS ? [`${done} of ${RESTARTS} restarts.`] : [],
    };
  },
};
