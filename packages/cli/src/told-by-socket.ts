import { request } from 'node:http';
import { LocalCoordinator, type PurgeAnnouncement } from '@tintype/core';

/** Longest time for an answer, in milliseconds: a process that has not heard within a second is not waited for. */
const ANSWER_MS = 10_000;

/** Tells the serving processes on this machine, by the socket file that one of them has made. */
export class ToldBySocket extends LocalCoordinator {
  readonly #path: string;

  constructor(path: string) {
    super();
    this.#path = path;
  }

  override async announce({ scope, value }: PurgeAnnouncement): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const asking = request({
      socketPath: this.#path,
      path: '/purge',
      method: 'POST',
      headers: { host: 'tintype', 'content-type': 'application/json' },
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    asking.on('response', (response) => {
      response.resume();
      if (response.statusCode === 200) resolve();
      else reject(new Error(`The serving processes answered ${response.statusCode} at ${this.#path}.`));
    });
    asking.on('error', (error) => reject(new Error(whatToDo(this.#path, error), { cause: error })));
    asking.end(JSON.stringify({ scope, value }));
    await promise;
  }
}

function whatToDo(path: string, error: Error): string {
  const code = 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return `Nobody listens at ${path}: none serves on this machine with that TINTYPE_CONTROL_SOCKET.`;
    case 'EACCES':
    case 'EPERM':
      return `No permission to write to ${path}: run the command as the user who serves.`;
    default:
      return error.name === 'TimeoutError' || error.name === 'AbortError'
        ? `The serving processes did not answer at ${path} within ${ANSWER_MS / 1_000} seconds.`
        : `The serving processes could not be told at ${path}: ${error.message}.`;
  }
}
