import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Answer, EndpointRig, Origin } from './endpoint-rig.ts';
import { contentOf, dice, HistoryOrigin, PATHS, type Path, versionOf, whoseOf } from './history-origin.ts';

/** Another one tries another history. */
const SEED = Number(process.env.TINTYPE_HISTORY_SEED ?? 7);
const ROUNDS = 30;
const CLIENTS = 12;

async function settings(storage: string): Promise<Readonly<Record<string, unknown>>> {
  if (storage === 'memory') return { cacheUse: 'memory' };
  const folder = await mkdtemp(join(tmpdir(), 'tintype-history-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return { cacheTiers: ['memory', 'fs'], cacheFsRoot: folder };
}

/** What one client asked, and the least version that it may be answered with. */
interface Asked {
  readonly path: Path;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly least: number;
}

/** What is wrong with an answer, in a word. */
function wrong({ path, method, headers, least }: Asked, { status, headers: got, body }: Answer): string | undefined {
  // The origin's own failures, and that there is nothing in the part that was asked for.
  if ([416, 502, 503, 504].includes(status)) return undefined;
  const whose = whoseOf(path, headers);
  const [, tagged, owner = 'all'] = /^"(\d+)-(\w+)"$/.exec(got.etag ?? '') ?? [];
  const version = path === '/dated' ? versionOf(got['last-modified']) : Number(tagged);
  const content = contentOf(path, version, whose);
  if (owner !== whose) return 'it is for another client';
  if (!(version >= least)) return 'it is older than a change that was answered before';
  if (status === 304) return headers['if-none-match'] === got.etag ? undefined : 'it stands for what nobody has';
  const length = got['content-length'];
  if (status === 200) {
    if (length !== undefined && Number(length) !== content.length) return 'its length is another one’s';
    return method === 'HEAD' || body === content ? undefined : 'its content is another one’s';
  }
  const [, first, last, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(got['content-range'] ?? '') ?? [];
  if (status !== 206 || Number(size) !== content.length) return 'it is no answer to this';
  return method === 'HEAD' || body === content.slice(Number(first), Number(last) + 1) ? undefined : 'the part is wrong';
}

test.each(['memory', 'memory,fs'])(
  'whatever clients ask at the same time, an origin says and changes: no answer is mixed, older than a change, or another’s (%s)',
  async (storage) => {
    const roll = dice(SEED);
    const source = new HistoryOrigin(roll);
    await using origin = await Origin.start(source.listener);
    const endpoints = [{ path: '/', origins: [origin.base], methods: '*', staleIfDisconnected: 5 } as const];
    const more = { ttlByStatus: ['500-599=0'], ...(await settings(storage)) };
    await using rig = await EndpointRig.start(endpoints, more);
    const changed = new Map<Path, number>();
    const problems: string[] = [];

    const client = async (): Promise<void> => {
      const path = PATHS[Math.floor(roll() * PATHS.length)] ?? '/plain';
      if (roll() < 0.06) {
        const { headers } = await rig.ask(path, { method: 'PUT', body: 'new' });
        changed.set(path, Math.max(changed.get(path) ?? 0, Number(headers['x-version'] ?? 0)));
        return;
      }
      const headers: Record<string, string> = {
        'x-lang': roll() < 0.5 ? 'fr' : 'en',
        'x-user': roll() < 0.5 ? 'ann' : 'bob',
        ...(roll() < 0.15 ? { range: `bytes=${Math.floor(roll() * 8)}-${5 + Math.floor(roll() * 20)}` } : {}),
        ...(roll() < 0.1 ? { authorization: 'Basic eDp5' } : {}),
      };
      const known = (source.versions.get(path) ?? 1) - (roll() < 0.5 ? 1 : 0);
      if (roll() < 0.15) headers['if-none-match'] = `"${known}-${whoseOf(path, headers)}"`;
      const asked = { path, method: roll() < 0.1 ? 'HEAD' : 'GET', headers, least: changed.get(path) ?? 0 };
      // What broke off is no answer.
      const answer = await rig.ask(path, asked).catch(() => undefined);
      const problem = answer && wrong(asked, answer);
      if (problem !== undefined) problems.push(`${problem}: ${JSON.stringify({ ...asked, answer })}`);
    };

    for (let round = 0; round < ROUNDS && problems.length === 0; round++) {
      await Promise.all(Array.from({ length: CLIENTS }, client));
      if (roll() < 0.4) rig.advance(1 + Math.floor(roll() * 5));
    }
    expect(problems, `TINTYPE_HISTORY_SEED=${SEED}`).toEqual([]);
  },
);
