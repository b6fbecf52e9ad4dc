/** What a metric says of itself. */
export interface MetricSpec {
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** One sentence, with the unit where the name does not tell. */
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram's buckets, in seconds. */
  readonly buckets?: readonly number[];
  /** How the values of several processes become one; the sum unless given. */
  readonly aggregate?: 'average';
}

export type MetricName =
  | 'requests_total'
  | 'requests_in_progress'
  | 'status_codes_total'
  | 'errors_total'
  | 'connections_refused_total'
  | 'request_duration_seconds'
  | 'request_span_duration_seconds'
  | 'response_bytes_total'
  | 'cache_hits_total'
  | 'cache_misses_total'
  | 'cache_requests_total'
  | 'cache_revalidations_total'
  | 'cache_errors_total'
  | 'cache_entries_dropped_total'
  | 'store_dropped_total'
  | 'store_queue_length'
  | 'store_queue_bytes'
  | 'stored_bytes_total'
  | 'storage_operation_duration_seconds'
  | 'storage_errors_total'
  | 'storage_paused'
  | 'storage_bytes'
  | 'storage_entries'
  | 'storage_evicted_total'
  | 'origin_responses_total'
  | 'downloaded_bytes_total'
  | 'workers'
  | 'workers_utilization'
  | 'images_in_progress'
  | 'queue_length'
  | 'transformed_bytes_total'
  | 'transform_process_ends_total'
  | 'transform_processes_memory_bytes'
  | 'memory_reserved_bytes'
  | 'memory_budget_bytes'
  | 'log_lines_dropped_total'
  | 'processes';

const REQUEST_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const STORAGE_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * All metrics by name, without the namespace. Where imgproxy has one of the same meaning it has
 * imgproxy's name. The page of the metrics is made from this, so it holds nothing that is not told.
 */
export const METRICS: Readonly<Record<MetricName, MetricSpec>> = {
  requests_total: { type: 'counter', help: 'Requests that were answered, probes aside.', labels: [] },
  requests_in_progress: {
    type: 'gauge',
    help: 'Requests that wait for an image to be made.',
    labels: [],
  },
  status_codes_total: {
    type: 'counter',
    help: 'Answers by status; 499 where the client went away first.',
    labels: ['status'],
  },
  errors_total: {
    type: 'counter',
    help: 'Answers that were no image, by the word that the log has for why.',
    labels: ['type'],
  },
  connections_refused_total: {
    type: 'counter',
    help: 'Connections that were closed at once, because there were as many as `TINTYPE_MAX_CLIENTS` allows.',
    labels: [],
  },
  request_duration_seconds: {
    type: 'histogram',
    help: 'Time from a request to the end of its answer, where that was no hit: a hit costs a count and no clock.',
    labels: [],
    buckets: REQUEST_BUCKETS,
  },
  request_span_duration_seconds: {
    type: 'histogram',
    help: 'Parts of making an image: `queue` is all waiting for a place, `downloading` the source from its headers on, `processing` the transform.',
    labels: ['span'],
    buckets: REQUEST_BUCKETS,
  },
  response_bytes_total: { type: 'counter', help: 'Bytes of bodies that were sent.', labels: [] },
  cache_hits_total: { type: 'counter', help: 'Requests answered from the cache.', labels: [] },
  cache_misses_total: {
    type: 'counter',
    help: 'Requests for what the cache did not have, or had too old.',
    labels: [],
  },
  cache_requests_total: {
    type: 'counter',
    help: 'Requests by what the cache did, in the words of the log: `hit`, `miss`, `stale` (there was one, too old), `revalidated` (the source said that it is the same), `collapsed` (joined another request for the same), `updating` and `stale-on-error` (a hit that is too old), `negative` (a failure that is remembered), `bypass`, `refused`.',
    labels: ['result'],
  },
  cache_revalidations_total: {
    type: 'counter',
    help: 'What became of entries that were too old: the source says that it is the `same`, or it has `changed`, or could not be asked (`failed`), or nobody asked for want of room (`shed`); `background` where nobody waited for it.',
    labels: ['outcome', 'background'],
  },
  cache_errors_total: {
    type: 'counter',
    help: 'Lookups and stores that failed, with the word of the storage error.',
    labels: ['operation', 'code'],
  },
  cache_entries_dropped_total: {
    type: 'counter',
    help: 'Entries removed because they were damaged.',
    labels: ['reason'],
  },
  store_dropped_total: {
    type: 'counter',
    help: 'Results that were served and not stored, by why.',
    labels: ['reason'],
  },
  store_queue_length: { type: 'gauge', help: 'Results that the storage has not taken yet.', labels: [] },
  store_queue_bytes: { type: 'gauge', help: 'Bytes of results that the storage has not taken yet.', labels: [] },
  stored_bytes_total: { type: 'counter', help: 'Bytes of results that were stored.', labels: [] },
  storage_operation_duration_seconds: {
    type: 'histogram',
    help: 'Time that an operation of a storage took, each tier and each attempt for itself, whether it failed or not. What memory answers at once is not timed.',
    labels: ['storage', 'operation'],
    buckets: STORAGE_BUCKETS,
  },
  storage_errors_total: {
    type: 'counter',
    help: 'Operations of a storage that failed, each attempt for itself; `aborted` where nobody waited for it any more.',
    labels: ['storage', 'operation', 'code'],
  },
  storage_paused: {
    type: 'gauge',
    help: 'Processes that leave a storage alone at the moment, because it failed too often.',
    labels: ['storage', 'access'],
  },
  storage_bytes: {
    type: 'gauge',
    help: 'Bytes that a storage holds, where it keeps the books itself.',
    labels: ['storage'],
  },
  storage_entries: {
    type: 'gauge',
    help: 'Entries that a storage holds, where it keeps the books itself.',
    labels: ['storage'],
  },
  storage_evicted_total: { type: 'counter', help: 'Entries that were removed to keep the cap.', labels: ['storage'] },
  origin_responses_total: {
    type: 'counter',
    help: 'Answers of sources, by scheme and status.',
    labels: ['scheme', 'status'],
  },
  downloaded_bytes_total: {
    type: 'counter',
    help: 'Bytes of sources that were downloaded to be transformed.',
    labels: [],
  },
  workers: { type: 'gauge', help: 'Transforms that may go on at a time.', labels: [] },
  workers_utilization: {
    type: 'gauge',
    help: 'Percent of the workers that are at work.',
    labels: [],
    aggregate: 'average',
  },
  images_in_progress: { type: 'gauge', help: 'Transforms going on.', labels: [] },
  queue_length: { type: 'gauge', help: 'Images that wait for their host or for a worker.', labels: [] },
  transformed_bytes_total: { type: 'counter', help: 'Bytes of results that were made.', labels: [] },
  transform_process_ends_total: { type: 'counter', help: 'Transforming processes that ended unasked.', labels: [] },
  transform_processes_memory_bytes: {
    type: 'gauge',
    help: 'Resident memory of the transforming processes, as each told with the last image that it made; `process_*` are without it.',
    labels: [],
  },
  memory_reserved_bytes: {
    type: 'gauge',
    help: 'Memory that transforms under way were estimated to take.',
    labels: [],
  },
  memory_budget_bytes: { type: 'gauge', help: 'Memory that transforms may take together; 0 for no limit.', labels: [] },
  log_lines_dropped_total: {
    type: 'counter',
    help: 'Lines that were not logged, because the log was not read fast enough.',
    labels: [],
  },
  processes: { type: 'gauge', help: 'Serving processes whose numbers are in this answer.', labels: [] },
};
