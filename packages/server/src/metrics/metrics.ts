import type { Observer, ProxyEvent, ProxyLoad } from '@tintype/core';
import {
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client';
import { isProbe } from '../front-answers.ts';
import { cacheWord, type RequestRecord, type RequestSink } from '../request-log.ts';
import { METRICS, type MetricName, type MetricSpec } from './catalogue.ts';

/** Metrics as they travel between processes. */
export type MetricsSnapshot = readonly MetricObjectWithValues<MetricValue<string>>[];

/** Words that plugins may choose (`RequestError.code`): so many are told apart, the rest is `other`. */
const MAX_WORDS = 100;

export interface MetricsOptions {
  /** Stands before every name but those of `process_*` and `nodejs_*`, with `_`; blank for none. */
  readonly namespace: string;
  /** How busy the proxy is, asked for at each scrape. */
  readonly load: () => ProxyLoad | undefined;
  /** Lines that were not logged so far. */
  readonly droppedLines: () => number;
  /** Memory of the processes that transform for this one, in bytes. */
  readonly transformMemory?: () => number;
  /** Whether this process tells of storages that others share with it; one of them must. */
  readonly tellsShared: boolean;
}

/**
 * The numbers of one process, counted from what the proxy and the server tell anyway. A hit costs two
 * additions here; everything else that can be asked for at a scrape is asked for then.
 */
export class Metrics implements Observer, RequestSink {
  readonly hearsOperations: boolean = true;
  readonly #registry = new Registry();
  readonly #options: MetricsOptions;
  readonly #counters = new Map<MetricName, Counter>();
  readonly #gauges = new Map<MetricName, Gauge>();
  readonly #histograms = new Map<MetricName, Histogram>();
  readonly #words = new Set<string>();
  /** Hits with status 200 that the counters have not been told of yet, and the bytes of all hits. */
  #hits = 0;
  #hitBytes = 0;
  /** What is told as a total by others, as far as the counters know it. */
  readonly #told = new Map<string, number>();

  constructor(options: MetricsOptions) {
    this.#options = options;
    const prefix = options.namespace === '' ? '' : `${options.namespace}_`;
    for (const [key, spec] of Object.entries<MetricSpec>(METRICS)) {
      const name = key as MetricName;
      const common = {
        name: prefix + name,
        help: spec.help,
        labelNames: spec.labels,
        registers: [this.#registry],
        ...(spec.aggregate === undefined ? {} : { aggregator: spec.aggregate }),
      };
      if (spec.type === 'counter') this.#counters.set(name, new Counter(common));
      else if (spec.type === 'gauge') this.#gauges.set(name, new Gauge(common));
      else this.#histograms.set(name, new Histogram({ ...common, buckets: [...(spec.buckets ?? [])] }));
    }
    collectDefaultMetrics({ register: this.#registry });
  }

  write(record: RequestRecord): void {
    if (record.cache?.kind === 'hit' && record.status === 200 && record.cache.detail === undefined) {
      this.#hits += 1;
      this.#hitBytes += record.bytes;
      return;
    }
    if (isProbe(record.target)) return;
    const { status, cache, problem, bytes, ms } = record;
    this.#answered(status, problem?.code);
    this.#count('response_bytes_total', bytes);
    const result = cacheWord(cache);
    if (result !== undefined) this.#count('cache_requests_total', 1, { result });
    if (cache?.kind === 'hit') this.#count('cache_hits_total');
    else this.#time('request_duration_seconds', ms);
    if (cache?.kind === 'miss') this.#count('cache_misses_total');
  }

  malformed(status: number, _code: string): void {
    this.#answered(status, 'malformed');
  }

  refusedConnection(): void {
    this.#count('connections_refused_total');
  }

  /** A process that transformed ended unasked. */
  childEnded(): void {
    this.#count('transform_process_ends_total');
  }

  observe(event: ProxyEvent): void {
    switch (event.type) {
      case 'storage-operation': {
        const { storage, operation, ms, code } = event;
        this.#time('storage_operation_duration_seconds', ms, { storage, operation });
        if (code !== undefined) this.#count('storage_errors_total', 1, { storage, operation, code });
        break;
      }
      case 'storage-state': {
        const { storage, access, state } = event;
        this.#set('storage_paused', state === 'paused' ? 1 : 0, { storage, access });
        break;
      }
      case 'cache-error':
        this.#count('cache_errors_total', 1, { operation: event.operation, code: event.code });
        break;
      case 'store-dropped':
        this.#count('store_dropped_total', 1, { reason: event.reason });
        break;
      case 'entry-dropped':
        this.#count('cache_entries_dropped_total', 1, { reason: event.reason });
        break;
      case 'revalidated':
        this.#count('cache_revalidations_total', 1, { outcome: event.outcome, background: String(event.background) });
        break;
      case 'fetched':
        this.#count('origin_responses_total', 1, { scheme: event.scheme, status: statusWord(event.status) });
        break;
      case 'waited':
        this.#time('request_span_duration_seconds', event.ms, { span: 'queue' });
        break;
      case 'downloaded':
        this.#time('request_span_duration_seconds', event.ms, { span: 'downloading' });
        this.#count('downloaded_bytes_total', event.bytes);
        break;
      case 'transformed':
        this.#time('request_span_duration_seconds', event.ms, { span: 'processing' });
        this.#count('transformed_bytes_total', event.bytesOut);
        break;
      case 'stored':
        this.#count('stored_bytes_total', event.bytes);
        break;
    }
  }

  /** All of it, as Prometheus reads it. */
  async text(): Promise<string> {
    this.#bringUpToDate();
    return await this.#registry.metrics();
  }

  /** All of it, to be put together with that of other processes. */
  async snapshot(): Promise<MetricsSnapshot> {
    this.#bringUpToDate();
    // Of a histogram it holds the buckets as well, which the type does not say.
    return (await this.#registry.getMetricsAsJSON()) as MetricsSnapshot;
  }

  #bringUpToDate(): void {
    const { load, droppedLines, transformMemory, tellsShared } = this.#options;
    const [hits, bytes] = [this.#hits, this.#hitBytes];
    this.#hits = 0;
    this.#hitBytes = 0;
    if (hits > 0) {
      this.#count('requests_total', hits);
      this.#count('status_codes_total', hits, { status: '200' });
      this.#count('cache_hits_total', hits);
      this.#count('cache_requests_total', hits, { result: 'hit' });
      this.#count('response_bytes_total', bytes);
    }
    this.#total('log_lines_dropped_total', droppedLines());
    if (transformMemory !== undefined) this.#set('transform_processes_memory_bytes', transformMemory());
    const now = load();
    if (now === undefined) return;
    this.#set('processes', 1);
    this.#set('requests_in_progress', now.waiting);
    this.#set('images_in_progress', now.transforms);
    this.#set('workers', now.maxTransforms);
    this.#set('workers_utilization', (100 * now.transforms) / now.maxTransforms);
    this.#set('queue_length', now.queued);
    this.#set('memory_reserved_bytes', now.reservedMemory);
    this.#set('memory_budget_bytes', Number.isFinite(now.memoryBudget) ? now.memoryBudget : 0);
    this.#set('store_queue_length', now.storeQueue.length);
    this.#set('store_queue_bytes', now.storeQueue.bytes);
    for (const { id: storage, shared, usage } of now.storages) {
      if (!shared || tellsShared) {
        if (usage.bytes !== undefined) this.#set('storage_bytes', usage.bytes, { storage });
        if (usage.entries !== undefined) this.#set('storage_entries', usage.entries, { storage });
      }
      if (usage.evicted !== undefined) this.#total('storage_evicted_total', usage.evicted, { storage });
    }
  }

  #answered(status: number, problem: string | undefined): void {
    this.#count('requests_total');
    this.#count('status_codes_total', 1, { status: statusWord(status) });
    if (problem !== undefined) this.#count('errors_total', 1, { type: this.#bounded(problem) });
  }

  #bounded(word: string): string {
    if (this.#words.has(word)) return word;
    if (this.#words.size >= MAX_WORDS) return 'other';
    this.#words.add(word);
    return word;
  }

  #count(name: MetricName, by = 1, labels: Readonly<Record<string, string>> = {}): void {
    this.#counters.get(name)?.inc(labels, by);
  }

  /** Counts up to a total that is kept elsewhere, and begins anew where that did. */
  #total(name: MetricName, total: number, labels: Readonly<Record<string, string>> = {}): void {
    const key = `${name} ${Object.values(labels).join(' ')}`;
    const told = this.#told.get(key) ?? 0;
    this.#count(name, total >= told ? total - told : total, labels);
    this.#told.set(key, total);
  }

  #set(name: MetricName, value: number, labels: Readonly<Record<string, string>> = {}): void {
    this.#gauges.get(name)?.set(labels, value);
  }

  #time(name: MetricName, ms: number, labels: Readonly<Record<string, string>> = {}): void {
    this.#histograms.get(name)?.observe(labels, ms / 1_000);
  }
}

/** Whatever an origin or a plugin says: at most so many series. */
function statusWord(status: number): string {
  return Number.isInteger(status) && status >= 100 && status < 600 ? String(status) : 'other';
}
