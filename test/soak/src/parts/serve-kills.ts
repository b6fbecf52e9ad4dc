import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createStorage, StorageError } from '@tintype/core';
import { FsStorage } from '@tintype/fs';
import { filesIn } from '../../../../plugins/fs/test/conformance-subject.ts';
import { atShare, type Part, type PartResult, plural, type Soak } from '../part.ts';
import { ageTheDead } from '../subjects.ts';

const KILLS = 1_000;
/** Servers that share the cache and are killed independently of one another. */
const LANES = 2;
/** Clients of each server. */
const CLIENTS = 6;
/** Longest life of a server after its first answer, in milliseconds. */
const LONGEST_LIFE_MS = 500;
/** It is told how far it is each time so many servers have died. */
const TELL_EVERY = 100;

const TINTYPE = fileURLToPath(new URL('../../../../packages/cli/bin/tintype.js', import.meta.url));
const IMAGES = fileURLToPath(new URL('../../../../examples/demo/images/', import.meta.url));

const CACHE = { TINTYPE_CACHE_USE: 'fs' };

/** What is asked for: small and large results, in several formats. */
const PATHS: readonly string[] = [16, 24, 40, 60, 80, 120, 160, 250, 640].flatMap((width) =>
  // Cheap to make, so that much is written.
  ['jpg', 'webp', 'png'].map((format) => `/unsafe/rs:fit:${width}/plain/local:///rocket.jpg@${format}`),
);

/** What the kills found. */
export interface ServeKillsOutcome {
  readonly kills: number;
  readonly images: number;
  readonly answers: number;
  /** Entries that were looked at in the cache itself, over all looks. */
  readonly entries: number;
  readonly hits: number;
  readonly deadSwept: number;
  readonly problems: readonly string[];
}

/**
 * Kills servers (SIGKILL) while clients make them write into a shared file cache, then looks for
 * images that are torn or wrong: every entry of the cache itself must have the bytes of a reference
 * that was made without a cache, and so must every answer.
 */
export async function killServers(
  scratch: string,
  count: number,
  seed: string,
  progress: (line: string) => void = () => {},
): Promise<ServeKillsOutcome> {
  const root = await mkdtemp(join(scratch, 'cache-'));
  // Code that V8 has compiled: most of the time of a start. Written when the first server ends by itself.
  const compiled = { NODE_COMPILE_CACHE: join(scratch, 'compiled') };
  const reference = await references(compiled);
  const genuine = new Set(reference.values());
  const problems: string[] = [];
  const outcome = { kills: 0, answers: 0, entries: 0, hits: 0, deadSwept: 0 };
  const note = (problem: string) => {
    if (problems.length < 50) problems.push(problem);
  };
  const compare = (path: string, body: Buffer, where: string) => {
    outcome.answers += 1;
    if (sha256(body) !== reference.get(path))
      note(`${where}: ${path} has ${body.length} bytes that are not its image.`);
  };

  const life = async (number: number) => {
    // Results grow stale within a second, so that every life writes: new entries, and over the old ones.
    const server = new Server({ ...compiled, ...CACHE, TINTYPE_CACHE_FS_ROOT: root, TINTYPE_TTL: '1' });
    try {
      const address = await server.serves();
      let alive = true;
      const firstAnswer = Promise.withResolvers<void>();
      const clients = Array.from({ length: CLIENTS }, async (_, client) => {
        for (let nth = 0; alive; nth++) {
          const path = PATHS[draw(`${seed}/${number}/${client}/${nth}`, PATHS.length)] as string;
          // A connection that breaks is what a kill looks like.
          const answer = await ask(address + path).catch(() => undefined);
          firstAnswer.resolve();
          if (answer?.status === 200) compare(path, answer.body, 'under load');
          else if (answer !== undefined) note(`under load: ${answer.status} for ${path}.`);
        }
      });
      await firstAnswer.promise;
      await new Promise((resolve) => setTimeout(resolve, draw(`${seed}/${number}/life`, LONGEST_LIFE_MS)));
      await server.kill();
      alive = false;
      await Promise.all(clients);
    } finally {
      await server.kill();
    }
    outcome.kills += 1;
  };
  while (outcome.kills < count) {
    const lives = Array.from({ length: Math.min(LANES, count - outcome.kills) }, (_, lane) =>
      life(outcome.kills + lane),
    );
    await Promise.all(lives);
    // All are dead: the next ones need not wait for the locks of these.
    outcome.deadSwept += ageTheDead(root);
    // Before the next ones, which would make anew what is torn, and nobody would know.
    outcome.entries += await lookAt(root, genuine, note);
    if (outcome.kills % TELL_EVERY < LANES)
      progress(`${outcome.kills} of ${count} kills, ${outcome.answers} answers, ${problems.length} torn or wrong`);
  }

  // Every image once more, from a server that may use whatever the dead left.
  const server = new Server({ ...compiled, ...CACHE, TINTYPE_CACHE_FS_ROOT: root });
  const address = await server.serves();
  for (const round of ['afterwards', 'afterwards, again']) {
    for (const path of PATHS) {
      const { status, body, cacheStatus } = await ask(address + path);
      if (status !== 200) note(`${round}: ${status} for ${path}.`);
      else compare(path, body, round);
      if (/;\s*hit/.test(cacheStatus)) outcome.hits += 1;
    }
  }
  await server.kill();
  outcome.entries += await lookAt(root, genuine, note);
  outcome.deadSwept += ageTheDead(root);
  await sweep(root, note);
  return { ...outcome, images: PATHS.length, problems };
}

/** Looks at every entry of the cache, past the server: a server would quietly replace a damaged one. */
export async function lookAt(
  root: string,
  genuine: ReadonlySet<string>,
  note: (problem: string) => void,
): Promise<number> {
  const storage = createStorage(new FsStorage({ root, maxBytes: 0, durability: 'process' }), { name: 'fs' });
  await storage.open();
  let entries = 0;
  try {
    for await (const { key } of storage.list('')) {
      entries += 1;
      try {
        const hit = await storage.get(key);
        if (hit?.kind !== 'entry') {
          note(`entry ${key} is listed and not there.`);
          continue;
        }
        const bytes = Buffer.from(await hit.body.bytes());
        if (!genuine.has(sha256(bytes))) note(`entry ${key} has ${bytes.length} bytes that are no image of these.`);
        const format = hit.metadata.contentType.split('/')[1];
        if (format !== formatOf(bytes))
          note(`entry ${key} says ${hit.metadata.contentType} and is ${formatOf(bytes)}.`);
      } catch (error) {
        note(`entry ${key} cannot be read: ${StorageError.is(error) ? `${error.code}: ` : ''}${error}`);
      }
    }
  } finally {
    await storage.close();
  }
  return entries;
}

/** Opens the cache once more and sees whether anything of the dead is left. */
async function sweep(root: string, note: (problem: string) => void): Promise<void> {
  const storage = new FsStorage({ root, maxBytes: 0, durability: 'process' });
  await storage.open();
  await storage.close();
  for (const path of [...(await filesIn(join(root, '@temp'))), ...(await filesIn(join(root, '@locks')))]) {
    note(`after the sweep, ${path} is left.`);
  }
}

/** The hash of each image as a server without a cache makes it. */
async function references(env: Readonly<Record<string, string>>): Promise<ReadonlyMap<string, string>> {
  const server = new Server(env);
  const address = await server.serves();
  const hashes = new Map<string, string>();
  for (const path of PATHS) {
    const { status, body } = await ask(address + path);
    if (status !== 200) throw new Error(`The reference for ${path} could not be made: ${status} ${body}`);
    hashes.set(path, sha256(body));
  }
  await server.stop();
  return hashes;
}

/** A running `tintype serve`: the built command, as an operator runs it. */
class Server {
  readonly #child;
  readonly #exited: Promise<unknown>;
  readonly #address = Promise.withResolvers<string>();

  constructor(env: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, [TINTYPE, 'serve'], {
      cwd: tmpdir(),
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        HOME: tmpdir(),
        TINTYPE_BIND: '127.0.0.1:0',
        TINTYPE_LOCAL_FILESYSTEM_ROOT: IMAGES,
        TINTYPE_LOG_FORMAT: 'json',
        // In the process that is killed: what it has in the making dies with it.
        TINTYPE_TRANSFORM_PROCESSES: '0',
        TINTYPE_DRAIN_DELAY: '0',
        // What is slow on a busy machine is neither torn nor wrong.
        TINTYPE_CACHE_LOOKUP_TIMEOUT: '60',
        TINTYPE_TIMEOUT: '60',
        ...env,
      },
    });
    let said = '';
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const found = /Serving on (http:[^;"]+)/.exec(line)?.[1];
      if (found !== undefined) this.#address.resolve(found);
      else said = line;
    });
    this.#child.stderr.on('data', (chunk) => {
      said = String(chunk);
    });
    this.#exited = once(this.#child, 'close');
    this.#exited.then(() => this.#address.reject(new Error(`The server ended by itself: ${said}`)));
    // Nobody may be waiting when it is killed.
    this.#address.promise.catch(() => {});
  }

  serves(): Promise<string> {
    return this.#address.promise;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#exited;
  }
}

async function ask(url: string): Promise<{ status: number; body: Buffer; cacheStatus: string }> {
  const response = await fetch(url, { signal: AbortSignal.timeout(120_000) });
  return {
    status: response.status,
    body: Buffer.from(await response.arrayBuffer()),
    cacheStatus: response.headers.get('cache-status') ?? '',
  };
}

function formatOf(bytes: Buffer): string {
  if (bytes.readUInt16BE(0) === 0xffd8) return 'jpeg';
  return bytes.toString('latin1', 1, 4) === 'PNG' ? 'png' : bytes.toString('latin1', 8, 12).toLowerCase();
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A number below `below` that looks random and is the same for the same text. */
function draw(text: string, below: number): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0) % below;
}

export const serveKills: Part = {
  name: 'serve-kills',
  title: 'SIGKILL of serving processes under writes',
  minutes: 17,
  async run(soak: Soak): Promise<PartResult> {
    const count = atShare(soak, KILLS);
    const outcome = await killServers(soak.scratch, count, soak.seed, soak.progress);
    const { problems, kills, images, answers, entries, hits, deadSwept } = outcome;
    return {
      ok: problems.length === 0,
      summary: `${plural(kills, 'kill')} of \`tintype serve\`, ${LANES} at a time on one file cache, seed \`${soak.seed}\`: ${problems.length === 0 ? '0 torn or wrong images' : plural(problems.length, 'problem')}.`,
      details: [
        `* ${plural(images, 'image')}, ${CLIENTS} clients per server, results stale after a second and written anew.`,
        `* ${plural(answers, 'answer')} and ${entries.toLocaleString('en')} readings of entries in the cache itself, each compared with the image that a server without a cache makes.`,
        `* Afterwards a new server answered all images twice, ${hits} of ${images * 2} from the cache.`,
        `* What ${plural(deadSwept, 'dead process')} left was swept.`,
        ...problems.map((problem) => `* **${problem}**`),
      ],
      omitted: kills < KILLS ? [`${kills} of ${KILLS.toLocaleString('en')} kills.`] : [],
    };
  },
};
