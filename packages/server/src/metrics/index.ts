export { METRICS, type MetricName, type MetricSpec } from './catalogue.ts';
export { Metrics, type MetricsOptions, type MetricsSnapshot } from './metrics.ts';
export { type MetricsServerOptions, type RunningMetricsServer, startMetricsServer } from './metrics-server.ts';
export { MetricsSum } from './sum.ts';
