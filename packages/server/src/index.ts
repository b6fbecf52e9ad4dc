export { type FetchHandler, fetchHandler } from './fetch-handler.ts';
export type { HandlerOptions } from './handler-options.ts';
export { createLogger, type DestinationStream, type Logger, type LoggerOptions } from './logger.ts';
export { type NodeHandler, type NodeHandlerOptions, nodeHandler } from './node-handler.ts';
export { hideSecrets, redactTarget } from './redaction.ts';
export { type RunningServer, type ServerOptions, startServer } from './start-server.ts';
