import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';

/** The state of an object that fake-gcs-server does not keep. */
interface Metadata {
  readonly generation: string;
  readonly metageneration: number;
}

interface Answer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** What of fake-gcs-server's resources is read and completed. */
interface Resource {
  name?: string;
  generation?: string;
  metageneration?: string;
}

const CONDITIONS = ['ifGenerationMatch', 'ifMetagenerationMatch'] as const;

/**
 * Stands before fake-gcs-server and adds what Google Cloud Storage does and it does not (measured, see
 * `gcs-front.test.ts`): it counts metagenerations, checks the conditions of patches, of deletions
 * and of uploads with `ifMetagenerationMatch`, takes away metadata that is patched to `null`, and
 * knows which resumable uploads are open.
 *
 * Everything else is fake-gcs-server's own. Requests about one object are made one after another.
 */
export function gcsFront(upstream: string): Server {
  const { hostname, port } = new URL(upstream);
  /** By bucket and object, while the metageneration is not 1. */
  const patched = new Map<string, Metadata>();
  /** By upload id: the object and its conditions. */
  const uploads = new Map<string, { readonly object: string; readonly query: URLSearchParams }>();
  const queues = new Map<string, Promise<unknown>>();

  const metagenerationOf = (object: string, generation: string | undefined): string => {
    const known = patched.get(object);
    return `${known !== undefined && known.generation === generation ? known.metageneration : 1}`;
  };

  /** Alone with one object. */
  const inTurn = <T>(object: string, work: () => Promise<T>): Promise<T> => {
    const turn = (queues.get(object) ?? Promise.resolve()).then(work, work);
    queues.set(object, turn);
    const done = () => queues.get(object) === turn && queues.delete(object);
    turn.then(done, done);
    return turn;
  };

  const ask = (
    method: string,
    path: string,
    headers: readonly string[] | Record<string, string>,
    body?: Buffer,
  ): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const asked = httpRequest({ hostname, port, method, path, headers: headers as string[], agent: false });
      asked.on('error', reject);
      asked.on('response', (response) => {
        response.toArray().then((chunks) => {
          resolve({ status: response.statusCode ?? 502, headers: response.rawHeaders, body: Buffer.concat(chunks) });
        }, reject);
      });
      asked.end(body);
    });

  const resourceOf = async (object: string): Promise<Resource | undefined> => {
    const [bucket = '', name = ''] = split(object);
    const path = `/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`;
    const { status, body } = await ask('GET', path, { host: `${hostname}:${port}` });
    return status === 200 ? (JSON.parse(body.toString()) as Resource) : undefined;
  };

  /** Whether a condition of the query does not hold. */
  const isRefused = async (object: string, query: URLSearchParams): Promise<boolean> => {
    if (!CONDITIONS.some((name) => query.has(name))) return false;
    const found = await resourceOf(object);
    const generation = query.get('ifGenerationMatch');
    const metageneration = query.get('ifMetagenerationMatch');
    if (found === undefined) return metageneration !== null || (generation !== null && generation !== '0');
    return (
      (generation !== null && generation !== found.generation) ||
      (metageneration !== null && metageneration !== metagenerationOf(object, found.generation))
    );
  };

  /** A change of an object, with its body read before its turn comes. */
  const change = async (incoming: IncomingMessage, answer: ServerResponse, object: string, query: URLSearchParams) => {
    const body = Buffer.concat(await incoming.toArray());
    const { method = 'GET', url = '/', rawHeaders } = incoming;
    await inTurn(object, async () => {
      if ((method !== 'DELETE' || (await resourceOf(object)) !== undefined) && (await isRefused(object, query))) {
        return respond(answer, { status: 412, headers: JSON_TYPE, body: REFUSED });
      }
      const found = method === 'PATCH' ? await resourceOf(object) : undefined;
      const made = await ask(method, url, withLength(rawHeaders, body), body);
      if (made.status >= 300 && made.status !== 308) return respond(answer, made);
      if (method === 'PATCH') {
        const { generation = '' } = found ?? {};
        patched.set(object, { generation, metageneration: Number(metagenerationOf(object, generation)) + 1 });
      } else if (method === 'DELETE') patched.delete(object);
      return respond(answer, completed(made, object));
    });
  };

  /** Metagenerations in an answer of JSON. */
  const completed = (made: Answer, object: string): Answer => {
    let said: Resource & { items?: Resource[] };
    try {
      said = JSON.parse(made.body.toString());
    } catch {
      return made;
    }
    const [bucket] = split(object);
    if (said?.generation !== undefined) said.metageneration = metagenerationOf(object, said.generation);
    for (const item of said?.items ?? []) {
      item.metageneration = metagenerationOf(`${bucket}/${item.name}`, item.generation);
    }
    return { ...made, body: Buffer.from(JSON.stringify(said)) };
  };

  const handle = async (incoming: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const { method = 'GET', url = '/', rawHeaders } = incoming;
    const { pathname, searchParams: query } = new URL(url, upstream);
    if (pathname === '/_open-uploads') {
      return respond(answer, {
        status: 200,
        headers: JSON_TYPE,
        body: Buffer.from(JSON.stringify([...uploads.keys()])),
      });
    }
    const json = /^\/storage\/v1\/b\/([^/]+)\/o(?:\/(.+))?$/.exec(pathname);
    const upload = /^\/upload\/storage\/v1\/b\/([^/]+)\/o$/.exec(pathname);
    if (json !== null && method === 'GET') {
      const object = `${json[1]}/${decodeURIComponent(json[2] ?? '')}`;
      const read = async () => completed(await ask(method, url, rawHeaders), object);
      return respond(answer, await (json[2] === undefined ? read() : inTurn(object, read)));
    }
    if (json?.[2] !== undefined) return change(incoming, answer, `${json[1]}/${decodeURIComponent(json[2])}`, query);
    if (upload !== null) {
      const id = query.get('upload_id');
      const open = id === null ? undefined : uploads.get(id);
      const object = open?.object ?? `${upload[1]}/${query.get('name')}`;
      if (id !== null && method === 'DELETE') uploads.delete(id);
      if (id === null && query.get('uploadType') === 'resumable') {
        const begun = await ask(method, url, rawHeaders, Buffer.concat(await incoming.toArray()));
        const location = begun.headers[begun.headers.findIndex((name) => /^location$/i.test(name)) + 1] ?? '';
        const made = /upload_id=([^&]+)/.exec(location)?.[1];
        if (begun.status === 200 && made !== undefined) uploads.set(made, { object, query });
        return respond(answer, begun);
      }
      const isLast = !/\/\*$/.test(incoming.headers['content-range'] ?? '');
      if (id !== null && method !== 'DELETE' && open === undefined) {
        return respond(answer, { status: 404, headers: JSON_TYPE, body: Buffer.from('{}') });
      }
      await change(incoming, answer, object, id === null || isLast ? (open?.query ?? query) : new URLSearchParams());
      if (id !== null && isLast) uploads.delete(id);
      return;
    }
    const object = decodeURIComponent(pathname.slice(1));
    await inTurn(object, () => pass(incoming, answer, object));
  };

  /** Bytes as they come, with the metageneration they lack. @returns once the head has come, which has both. */
  const pass = (incoming: IncomingMessage, answer: ServerResponse, object: string): Promise<void> => {
    const told = Promise.withResolvers<void>();
    const { method, url: path = '/', rawHeaders } = incoming;
    const asked = httpRequest({ hostname, port, method, path, headers: rawHeaders, agent: false });
    const broken = () => {
      answer.destroy();
      told.resolve();
    };
    asked.on('error', broken);
    answer.on('close', () => {
      asked.destroy();
      told.resolve();
    });
    asked.on('response', (response) => {
      response.on('error', broken);
      const generation = response.headers['x-goog-generation'];
      const known =
        typeof generation === 'string' ? ['x-goog-metageneration', metagenerationOf(object, generation)] : [];
      // What was patched to null is an empty value there.
      const headers = pairs(response.rawHeaders).filter(
        ([name, value]) => !/^x-goog-meta-/i.test(name) || value !== '',
      );
      answer.writeHead(response.statusCode ?? 502, [...headers.flat(), ...known]);
      response.pipe(answer);
      told.resolve();
    });
    incoming.pipe(asked);
    return told.promise;
  };

  // Connections stay, as Google's do for minutes: one that were closed in the moment of its next request would fail it.
  return createServer({ keepAliveTimeout: 0 }, (incoming, answer) => {
    answer.on('error', () => undefined);
    handle(incoming, answer).catch((error: unknown) => {
      console.error(incoming.method, incoming.url, error);
      answer.destroy();
    });
  });
}

const JSON_TYPE = ['content-type', 'application/json'];
const REFUSED = Buffer.from(
  '{"error":{"code":412,"message":"At least one of the pre-conditions you specified did not hold.","errors":[{"reason":"conditionNotMet"}]}}',
);

function split(object: string): [bucket: string, name: string] {
  const slash = object.indexOf('/');
  return [object.slice(0, slash), object.slice(slash + 1)];
}

function pairs(raw: readonly string[]): [string, string][] {
  return Array.from({ length: raw.length / 2 }, (_, index) => [raw[index * 2] ?? '', raw[index * 2 + 1] ?? '']);
}

function withLength(raw: readonly string[], body: Buffer): string[] {
  const kept = pairs(raw).filter(([name]) => !/^(content-length|transfer-encoding)$/i.test(name));
  return [...kept.flat(), 'content-length', `${body.length}`];
}

function respond(answer: ServerResponse, { status, headers, body }: Answer): void {
  const kept = pairs(headers).filter(([name]) => !/^(content-length|transfer-encoding|connection)$/i.test(name));
  answer.writeHead(status, [...kept.flat(), 'content-length', `${body.length}`]);
  answer.end(body);
}
