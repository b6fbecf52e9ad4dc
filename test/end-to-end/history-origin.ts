import type { RequestListener } from 'node:http';

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `/vary` has a content for each X-Lang, `/private` one for each X-User, `/dated` a date for a tag, `/open` no length. */
export const PATHS = ['/plain', '/vary', '/private', '/dated', '/open'] as const;

export type Path = (typeof PATHS)[number];

/** What a path's content is, of a version and for somebody: of another length each time. */
export function contentOf(path: Path, version: number, whose: string): string {
  return `${path}|${version}|${whose}|${'x'.repeat((version * 7) % 50)}`;
}

/** For whom a request gets a content. */
export function whoseOf(path: Path, headers: Readonly<Record<string, unknown>>): string {
  if (path === '/vary') return String(headers['x-lang']);
  return path === '/private' ? String(headers['x-user']) : 'all';
}

const EPOCH = Date.UTC(2020, 0, 1);

/** The date of a version, and the version of a date. */
export const dateOf = (version: number): string => new Date(EPOCH + version * 1_000).toUTCString();
export const versionOf = (date: string | undefined): number => (Date.parse(date ?? '') - EPOCH) / 1_000;

const CONTROLS = [
  ...['max-age=2', 'max-age=0', 'no-cache', 'no-store', 's-maxage=2', 'public, no-cache', 'public, max-age=2'],
  ...['max-age=1, stale-while-revalidate=3', 'max-age=1, stale-if-error=5'],
];

/**
 * An origin whose contents change by PUT, which says something else about their lifetimes each time, answers parts
 * and conditions as it likes, fails now and then, breaks off, and takes its time.
 */
export class HistoryOrigin {
  readonly versions = new Map<Path, number>(PATHS.map((path) => [path, 1]));
  readonly #roll: () => number;

  constructor(roll: () => number) {
    this.#roll = roll;
  }

  readonly listener: RequestListener = (request, response) => {
    const roll = this.#roll;
    const path = request.url as Path;
    response.sendDate = false;
    const answer = (): void => {
      if (request.method === 'PUT') {
        const version = (this.versions.get(path) ?? 0) + 1;
        this.versions.set(path, version);
        response.writeHead(204, { 'X-Version': String(version) }).end();
        return;
      }
      const fate = roll();
      if (fate < 0.04) response.writeHead(503).end('busy');
      else if (fate < 0.06) response.destroy();
      else this.#content(path, request, response, fate > 0.96);
    };
    setTimeout(answer, roll() * 5);
  };

  #content(path: Path, ...[{ headers, method }, response, breaksOff]: [...Parameters<RequestListener>, boolean]): void {
    const roll = this.#roll;
    const version = this.versions.get(path) ?? 0;
    const whose = whoseOf(path, headers);
    const content = contentOf(path, version, whose);
    const [tag, date] = [`"${version}-${whose}"`, dateOf(version)];
    const control = path === '/private' ? 'private, max-age=5' : (CONTROLS[Math.floor(roll() * CONTROLS.length)] ?? '');
    const fields: Record<string, string> = {
      'Cache-Control': control,
      ...(path === '/dated' ? { 'Last-Modified': date } : { ETag: tag }),
      ...(path === '/vary' ? { Vary: 'X-Lang' } : {}),
    };
    const isKnown = path === '/dated' ? headers['if-modified-since'] === date : headers['if-none-match'] === tag;
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
    if (isKnown) response.writeHead(304, fields).end();
    else if (first !== undefined && roll() < 0.7) {
      const part = content.slice(Number(first), Number(last) + 1);
      const place = `bytes ${first}-${Number(first) + part.length - 1}/${content.length}`;
      response.writeHead(206, { ...fields, 'Content-Range': place, 'Content-Length': String(part.length) });
      response.end(method === 'HEAD' ? undefined : part);
    } else {
      response.writeHead(200, path === '/open' ? fields : { ...fields, 'Content-Length': String(content.length) });
      if (method === 'HEAD') response.end();
      else if (breaksOff) response.write(content.slice(0, 3), () => response.destroy());
      else {
        response.write(content.slice(0, 5));
        setTimeout(() => response.end(content.slice(5)), roll() * 3);
      }
    }
  }
}
