import type { HttpFields } from '../contracts/http-fields.ts';
import { type Origin, OriginError, type OriginRequest, type OriginResponse } from '../contracts/origin.ts';
import type { CheckResult } from '../contracts/storage-adapter.ts';
import { bucketRules } from './bucket-rules.ts';
import { conditionsOf, type ObjectConditions, ofWhole } from './object-conditions.ts';
import { emptyResponse } from './object-response.ts';
import { isBucketName, type ObjectSource, objectSource } from './object-source.ts';
import { asOriginError } from './origin-failure.ts';
import type { FailureContext } from './storage-failure.ts';

/** Longest time that looking into one bucket may take, in milliseconds. */
const CHECK_MS = 10_000;

/** A service whose objects can be sources. */
export interface ObjectService<C> {
  /** Of source URLs: `s3`. */
  readonly scheme: string;
  /** What it calls the place of objects: `bucket`. */
  readonly noun: 'bucket' | 'container';
  /** Where it is, for a summary: ` at https://s3.example.com`; blank if there is nothing to say. */
  readonly where: string;
  /** Whether it can have a bucket of this name. */
  readonly isBucketName?: (name: string) => boolean;
  connect(): Promise<C>;
  /** Asks for an object. @throws what `hasStatus`, `isMissing` and `failure` can judge; OriginError. */
  get(
    connection: C,
    object: ObjectSource,
    conditions: ObjectConditions,
    request: OriginRequest,
  ): Promise<OriginResponse>;
  /** Asks something that shows whether objects can be read from a bucket. */
  probe(connection: C, bucket: string, signal: AbortSignal): Promise<void>;
  /** Whether `probe` may fail of it although objects can be read. */
  isHarmless(error: unknown): boolean;
  hasStatus(error: unknown, status: number): boolean;
  /** Whether there is no such object, or none of this version. */
  isMissing(error: unknown, object: ObjectSource): boolean;
  /** The fields of a 304 that came as an error. */
  stateIn?(error: unknown): HttpFields;
  failure(error: unknown, context: FailureContext): unknown;
}

/** Which buckets may be sources, by their names. */
export interface BucketLists {
  readonly allowedBuckets: readonly string[];
  readonly deniedBuckets: readonly string[];
}

/** Objects in buckets as sources: `s3://bucket/key`, `s3://bucket/key?version`. */
export class ObjectOrigin<C extends { close(): void | Promise<void> }> implements Origin {
  readonly schemes: readonly string[];
  readonly #service: ObjectService<C>;
  readonly #lists: BucketLists;
  readonly #isAllowed: (bucket: string) => boolean;
  #connection: C | undefined;

  constructor(service: ObjectService<C>, lists: BucketLists) {
    this.schemes = [service.scheme];
    this.#service = service;
    this.#lists = lists;
    this.#isAllowed = bucketRules(lists.allowedBuckets, lists.deniedBuckets);
  }

  async open(): Promise<void> {
    this.#connection ??= await this.#service.connect();
  }

  async close(): Promise<void> {
    const open = this.#connection;
    this.#connection = undefined;
    await open?.close();
  }

  async fetch(source: string, request: OriginRequest): Promise<OriginResponse> {
    request.signal.throwIfAborted();
    const { noun, hasStatus, isBucketName: isName = isBucketName } = this.#service;
    const object = objectSource(source, isName);
    if (!this.#isAllowed(object.bucket)) {
      throw new OriginError('refused', `The ${noun} of this source is not among the allowed ones.`);
    }
    const conditions = conditionsOf(request.headers);
    try {
      return await this.#get(object, conditions, request);
    } catch (error) {
      // If-Range: the object is another one by now, so the whole of it.
      const ifRange = conditions.range !== undefined && request.headers['if-range'] !== undefined;
      if (!ifRange || !hasStatus(error, 412)) return this.#answerTo(error, object, request);
      return await this.#get(object, ofWhole(conditions), request).catch((again: unknown) =>
        this.#answerTo(again, object, request),
      );
    }
  }

  async check(): Promise<CheckResult> {
    const { scheme, noun, where } = this.#service;
    const { allowedBuckets, deniedBuckets } = this.#lists;
    const buckets = allowedBuckets.length === 0 ? `all ${noun}s` : `${noun}s ${allowedBuckets.join(', ')}`;
    const except = deniedBuckets.length === 0 ? '' : ` except ${deniedBuckets.join(', ')}`;
    const summary = `${scheme} sources${where}, ${buckets}${except}`;
    for (const bucket of allowedBuckets.filter(this.#isAllowed)) {
      const problem = await this.#problemWith(bucket);
      if (problem !== undefined) return { ok: false, summary, problem };
    }
    return { ok: true, summary };
  }

  async #get(object: ObjectSource, conditions: ObjectConditions, request: OriginRequest): Promise<OriginResponse> {
    return this.#service.get(this.#open, object, conditions, request);
  }

  /** Answers that come as errors, and errors. */
  #answerTo(error: unknown, object: ObjectSource, { signal }: OriginRequest): OriginResponse {
    if (OriginError.is(error)) throw error;
    if (signal.aborted) throw signal.reason;
    const service = this.#service;
    if (service.hasStatus(error, 304)) return emptyResponse(304, service.stateIn?.(error));
    if (service.hasStatus(error, 416)) return emptyResponse(416);
    if (service.isMissing(error, object)) return emptyResponse(404);
    throw asOriginError(service.failure(error, { bucket: object.bucket, write: false, signal }));
  }

  /** Why nothing can be read from a bucket, if so. */
  async #problemWith(bucket: string): Promise<string | undefined> {
    const { noun, probe, isHarmless, failure, isBucketName: isName = () => true } = this.#service;
    if (!isName(bucket)) return `${JSON.stringify(bucket)} cannot be the name of a ${noun}.`;
    const signal = AbortSignal.timeout(CHECK_MS);
    try {
      await probe(this.#open, bucket, signal);
      return undefined;
    } catch (error) {
      if (signal.aborted) return `The ${noun} ${bucket} did not answer within ${CHECK_MS / 1_000} seconds.`;
      if (isHarmless(error)) return undefined;
      const told = failure(error, { bucket, write: false });
      return told instanceof Error ? told.message : String(told);
    }
  }

  get #open(): C {
    if (this.#connection !== undefined) return this.#connection;
    throw new OriginError('unavailable', `The origin of ${this.#service.scheme} sources is not open.`);
  }
}
