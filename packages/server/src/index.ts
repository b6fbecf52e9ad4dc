export { type FetchHandler, fetchHandler } from './fetch-handler.ts';
export type { HandlerOptions } from './handler-options.ts';
export { listen } from './listen.ts';
export { LogBuffer, type LogBufferOptions, standardOutput, type WriteLog } from './log-buffer.ts';
export {
  createLogger,
  type DestinationStream,
  flushLog,
  hasColors,
  type Logger,
  type LoggerOptions,
} from './logger.ts';
export { type NodeHandler, type NodeHandlerOptions, nodeHandler } from './node-handler.ts';
export { hideSecrets, redactTarget } from './redaction.ts';
export type { RequestRecord, RequestSink } from './request-log.ts';
export { type RunningServer, type ServerOptions, type StopTimes, startServer } from './start-server.ts';
export { tuneCollector } from './tune-collector.ts';
