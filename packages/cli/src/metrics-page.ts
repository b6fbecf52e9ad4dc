import { METRICS, type MetricSpec, Metrics } from '@tintype/server/metrics';

const INTRODUCTION = `# Metrics

<!-- Made from the catalogue of metrics by \`scripts/generate-docs.mjs\`; changes here are overwritten. -->

\`TINTYPE_PROMETHEUS_BIND=127.0.0.1:9090\` serves metrics for Prometheus on an address of their own, at any path.
Whoever can reach that address can read them: bind it to loopback or to a network that only your monitoring is in.
Without it nothing is counted and no code of it is loaded.

\`TINTYPE_PROMETHEUS_NAMESPACE=tintype\` puts \`tintype_\` before every name of the first table.
Where imgproxy has a metric of the same meaning, it has imgproxy's name here (\`requests_total\`,
\`request_span_duration_seconds\`, …), so dashboards made for it go on working. There is none of libvips' own memory
(\`vips_*\`): images are transformed in other processes.

With several serving processes (\`TINTYPE_PROCESSES\`) one answer has the sum of all of them, and of the process that
supervises them its memory and log. What a process counted stays in the sum after its end, up to the last scrape before
it, so that counters never shrink. A process that does not answer within 2 s is counted as it was at the scrape before.

A hit costs two additions. It has no place in \`request_duration_seconds\`, which would need a look at the clock and a
search for the bucket; how long hits take is in the log.

Labels hold only words that the program or its plugins know in advance, never anything of a URL.

Questions that are worth an alert:

| question | expression |
|---|---|
| how many requests are answered from the cache? | \`sum(rate(cache_hits_total[5m])) / sum(rate(cache_requests_total{result!="refused"}[5m]))\` |
| is a storage left alone? | \`storage_paused > 0\` |
| do results get lost on their way to the storage? | \`rate(store_dropped_total{reason=~"queue-full\\|paused"}[5m]) > 0\` |
| does the storage get slow? | \`histogram_quantile(0.99, sum by (le, storage) (rate(storage_operation_duration_seconds_bucket{operation="get"}[5m])))\` |
| is there too little room to make images? | \`queue_length > 0\` for minutes, or \`rate(status_codes_total{status="503"}[5m]) > 0\` |
| are clients turned away? | \`rate(connections_refused_total[5m]) > 0\` |
| is the log read too slowly? | \`rate(log_lines_dropped_total[5m]) > 0\` |
`;

/** The reference page of all metrics, in Markdown. */
export async function metricsPage(): Promise<string> {
  const own = Object.entries(METRICS).map(([name, spec]) => row(name, spec));
  const metrics = new Metrics({ namespace: '', load: () => undefined, droppedLines: () => 0, tellsShared: true });
  const names = new Set(Object.keys(METRICS));
  const others = (await metrics.snapshot())
    .filter(({ name }) => !names.has(name))
    .map(({ name, type, help }) => row(name, { type: String(type), help, labels: [] }));
  return [
    INTRODUCTION,
    '## All metrics',
    '',
    ...table(own),
    '',
    '## Of the processes',
    '',
    'By the names that every program on Node has for them, without the namespace; some exist on Linux only.',
    '',
    ...table(others),
    '',
  ].join('\n');
}

function table(rows: readonly string[]): readonly string[] {
  return ['| metric | type | labels | meaning |', '|---|---|---|---|', ...rows];
}

function row(name: string, { type, help, labels }: Pick<MetricSpec, 'help' | 'labels'> & { type: string }): string {
  const cells = [`\`${name}\``, type, labels.map((label) => `\`${label}\``).join(', '), help];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
