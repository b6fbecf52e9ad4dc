import { Agent, get, type IncomingHttpHeaders } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One request, answered to its end; rejects with whatever the connection met. */
export function ask(url: string, agent: Agent | false = false): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent, timeout: 30_000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        if (!response.complete) reject(new Error('The answer broke off.'));
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      });
    });
    request.once('timeout', () => request.destroy(new Error('No answer within 30 s.')));
    request.once('error', reject);
  });
}

/** Clients with connections of their own that are kept alive. They ask until they are stopped. */
export class Load {
  readonly failures: string[] = [];
  answered = 0;
  #stopped = false;
  readonly #clients: Promise<void>[];
  readonly #waiting = new Set<() => void>();

  /**
   * @param address where the next request goes; there is no second try for any
   * @param path of a client's nth request
   * @param onAnswer told of every answer that is as it should be
   */
  constructor(
    clients: number,
    address: () => string | Promise<string>,
    path: (client: number, nth: number) => string,
    onAnswer: (answer: Answer) => void = () => {},
  ) {
    this.#clients = Array.from({ length: clients }, (_, client) => this.#run(client, address, path, onAnswer));
  }

  /** Resolves after so many further answers. */
  async more(count: number): Promise<void> {
    const wanted = this.answered + count;
    while (this.answered < wanted) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#clients);
  }

  async #run(
    client: number,
    address: () => string | Promise<string>,
    path: (client: number, nth: number) => string,
    onAnswer: (answer: Answer) => void,
  ): Promise<void> {
    const agent = new Agent({ keepAlive: true });
    for (let nth = 0; !this.#stopped; nth++) {
      const url = (await address()) + path(client, nth);
      try {
        const answer = await ask(url, agent);
        const { status, headers, body } = answer;
        if (status !== 200) this.failures.push(`${status} ${url}`);
        else if (body.length !== Number(headers['content-length'])) this.failures.push(`short ${url}`);
        else onAnswer(answer);
      } catch (error) {
        this.failures.push(`${error} ${url}`);
      }
      this.answered += 1;
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
    }
    agent.destroy();
  }
}
