/** A server that runs now. */
export interface RunningServer {
  readonly name: string;
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  /**
   * What else it takes to reach it, by the end of the variable that names it: `REGION` for
   * `TINTYPE_TEST_<NAME>_REGION`.
   */
  readonly access: Readonly<Record<string, string>>;
  /** The processes that were started, in the order in which they are stopped. */
  readonly pids: readonly number[];
  /** Folder with its data and logs; gone once it is stopped. */
  readonly folder: string | undefined;
  /** Ends what was started and removes its folder. A server that was there before is left alone. */
  stop(): Promise<void>;
}

/** A kind of server that tests can use. */
export interface ServerKind {
  readonly name: string;
  /** One line for `status`. */
  readonly description: string;
  /** Where it is installed, or `undefined` if it is not. */
  find(): Promise<string | undefined>;
  /** Installs it, telling each step. Does nothing if it is there. */
  install(say: (line: string) => void): Promise<void>;
  /** Starts it on free ports of 127.0.0.1 with an empty folder, and waits until it answers. */
  start(): Promise<RunningServer>;
}

/** What the variables that name a server begin with: `TINTYPE_TEST_FAKE_GCS_SERVER_`. */
export function variablePrefix(name: string): string {
  return `TINTYPE_TEST_${name.toUpperCase().replaceAll('-', '_')}_`;
}

/** Why a server cannot be installed or started, in a sentence for a person. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
}
