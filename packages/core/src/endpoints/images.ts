import { createPolicy } from '@tintype/http-cache';
import { type Dialect, type DialectRequest, type ImageRequest, RequestError } from '../contracts/dialect.ts';
import type { HttpFields } from '../contracts/http-fields.ts';
import { OriginError } from '../contracts/origin.ts';
import type { ProxyRequest } from '../contracts/proxy.ts';
import { createFreshnessPolicy, type FreshnessPolicy } from '../freshness/policy.ts';
import { Pipeline, type PipelineOptions } from '../pipeline/pipeline.ts';
import type { AskOrigin, Fetched, FetchOptions } from '../pipeline/sources.ts';
import type { Endpoint } from './endpoint.ts';
import type { EndpointHandler } from './endpoints.ts';
import { endToEnd } from './fields.ts';
import { leavesFolder } from './leaves-folder.ts';
import { discard, type OriginChain } from './origin-chain.ts';

/** What an endpoint with a dialect is made of. */
export interface ImagesOptions {
  readonly endpoint: Endpoint;
  /** Asks the origins; of an endpoint whose sources are whole URLs, the one with this base. */
  readonly chainOf: (base: string) => OriginChain;
  /** It puts the first origin's base before every source. */
  readonly dialect: Dialect;
  /** The pipeline of image URLs without endpoints. */
  readonly pipeline: PipelineOptions;
  /** Bytes that a source may have: `TINTYPE_MAX_SRC_FILE_SIZE`. */
  readonly maxBytes: number;
}

/** An endpoint whose paths are image URLs, of sources that its origins have. */
export function imagesOf({ endpoint, chainOf, dialect, pipeline: options, maxBytes }: ImagesOptions): EndpointHandler {
  const { webProxy, origins } = endpoint;
  const folders = (webProxy ? origins : origins.slice(0, 1)).map(({ base }): Folder => {
    const many = !webProxy && origins.length > 1;
    return { base, many, chain: chainOf(base), maxBytes };
  });
  const pipeline = new Pipeline({
    ...options,
    dialect: ofChain(dialect, endpoint),
    // Whatever follows the base stays in the operator's folder; TINTYPE_ALLOWED_SOURCES is for what clients choose.
    isAllowed: () => true,
    sources: {
      fetch: async (source, asked) => {
        const folder = folders.find(({ base }) => source.startsWith(base));
        if (folder === undefined) throw new OriginError('refused', 'Nothing is fetched from this server here.');
        const ask: AskOrigin = (conditions, signal) =>
          fetchFrom(folder, source, { signal, conditions, hops: asked.hops });
        return options.sources.fetchBy(ask, source, asked);
      },
      fetchBy: options.sources.fetchBy.bind(options.sources),
      flush: () => options.sources.flush(),
    },
    policyOf: policiesOf(endpoint, options.policyOf),
  });
  return {
    handle: (request, rest) => pipeline.handle(below(request, rest)),
    close: () => pipeline.close(),
  };
}

/** The request as if the endpoint's path were all there is. */
function below(request: ProxyRequest, rest: string): ProxyRequest {
  const { method, headers } = request;
  return {
    method,
    target: rest,
    headers,
    // Made when somebody asks for it: a hit from memory never does.
    get signal() {
      return request.signal;
    },
  };
}

/**
 * A dialect whose sources lie in an endpoint's folder, and whose entries are those of its whole chain:
 * another second origin may have another image.
 */
function ofChain(dialect: Dialect, { prefix, origins, webProxy }: Endpoint): Dialect {
  const bases = origins.map(({ base }) => base);
  const chain = [prefix, ...bases].join(' ');
  return {
    signatureOf: (request) => dialect.signatureOf(request),
    verify: (signature, keys) => dialect.verify(signature, keys),
    sign: (path, keys) => dialect.sign(path, keys),
    ...(dialect.presetsOf === undefined ? {} : { presetsOf: dialect.presetsOf.bind(dialect) }),
    parse(request: DialectRequest): ImageRequest {
      const image = dialect.parse(request);
      const { source } = image;
      const base = (webProxy ? bases : bases.slice(0, 1)).find((one) => source.startsWith(one));
      if (base === undefined && webProxy) {
        throw new RequestError(403, 'source-not-allowed', 'Nothing is fetched from this server here.');
      }
      if (base === undefined || leavesFolder(source.slice(base.length))) {
        throw new RequestError(400, 'invalid-source', 'The source must be a path within this endpoint.');
      }
      return { ...image, cachebuster: `${webProxy ? `${prefix} ${base}` : chain} ${image.cachebuster}` };
    },
  };
}

/** What the settings say of images, with what the endpoint says instead. */
function policiesOf({ cache, given }: Endpoint, policyOf: PipelineOptions['policyOf']): PipelineOptions['policyOf'] {
  const own = new WeakMap<FreshnessPolicy, FreshnessPolicy>();
  return (image, target, dialect) => {
    const general = policyOf(image, target, dialect);
    const known = own.get(general);
    if (known !== undefined) return known;
    const { column: _column, edgeTtl, browserTtl, ...rest } = general.http;
    const http = createPolicy({
      ...rest,
      ...(edgeTtl === undefined ? {} : { edgeTtl }),
      ...(browserTtl === undefined ? {} : { browserTtl }),
      ...given,
    });
    const policy = createFreshnessPolicy({ ...general, http, cached: cache && general.cached });
    own.set(general, policy);
    return policy;
  };
}

/** Where an endpoint's sources are had from. */
interface Folder {
  readonly chain: OriginChain;
  /** Of the first origin. */
  readonly base: string;
  /** It has several origins. */
  readonly many: boolean;
  readonly maxBytes: number;
}

async function fetchFrom(
  { chain, base, many, maxBytes }: Folder,
  source: string,
  { signal, conditions = {}, hops = {} }: Pick<FetchOptions, 'signal' | 'conditions' | 'hops'>,
): Promise<Fetched> {
  // What HTTP cannot carry is percent-encoded; everything else is sent as it is.
  const path = source
    .slice(base.length)
    .replace(/#.*$/s, '')
    .replace(/[^\x21-\x7e]+/g, encodeURIComponent);
  const conditional = Object.entries(conditions).flatMap(([name, value]) => {
    // A date means something to the origin that gave it alone; of several nobody knows which that was.
    const isUseful = value !== undefined && (!many || name === 'if-none-match');
    return isUseful ? [[name, value] as const] : [];
  });
  const way = Object.entries(hops).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  const question = { method: 'GET', rest: `/${path}`, fields: [...ASKED, ...conditional, ...way], maxBytes, signal };
  const answer = await chain.ask(question);
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of endToEnd(answer.fields)) {
    const key = name.toLowerCase();
    if (key === 'set-cookie' || key === 'set-cookie2') continue;
    headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`;
  }
  const fields: HttpFields = headers;
  const coding = (fields['content-encoding'] ?? '').trim().toLowerCase();
  if (coding !== '' && coding !== 'identity') {
    discard(answer);
    throw new OriginError('unavailable', 'The source sent a content coding that was not asked for.');
  }
  const { status, body, requestedAt, receivedAt } = answer;
  return { response: { status, headers: fields, body }, requestedAt, receivedAt };
}

/** Images gain nothing from another compression, and lengths and tags then mean the bytes themselves. */
const ASKED = [
  ['Accept', 'image/*,*/*;q=0.5'],
  ['Accept-Encoding', 'identity'],
  ['User-Agent', 'tintype'],
] as const;
