import type { CheckResult } from '../contracts/storage-adapter.ts';
import type { Lifecycle } from './lifecycle.ts';

/** Longest time that a part may take to open, or to say whether it can be used, when it is checked, in milliseconds. */
const CHECK_MS = 10_000;

/** What a part says of itself. */
export type PartCheck = CheckResult & { readonly part: string };

/** A part that must be open before anything is answered. */
export class Stage {
  /** As in `origin http`. */
  readonly part: string;
  readonly #subject: { open(): Promise<void>; close(): Promise<void> };
  readonly #lifecycle: Lifecycle;
  #opening: Promise<void> | undefined;

  /** @param lifecycle closes it once it is open. */
  constructor(part: string, subject: { open(): Promise<void>; close(): Promise<void> }, lifecycle: Lifecycle) {
    this.part = part;
    this.#subject = subject;
    this.#lifecycle = lifecycle;
  }

  /** Opens it, once. */
  open(): Promise<void> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  /** Opens it; what keeps it from that, or that it does not come to an end, is told as a row. */
  async problem(): Promise<PartCheck | undefined> {
    const failure = await inTime(
      this.open().then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      ),
      `It was not open within ${CHECK_MS / 1_000} seconds.`,
    );
    if (failure === undefined) return undefined;
    const { part } = this;
    return { part, ok: false, summary: 'it could not be opened', problem: `${failure.replace(/\.$/, '')}.` };
  }

  async #open(): Promise<void> {
    await this.#subject.open();
    this.#lifecycle.opened(this.part, () => this.#subject.close());
  }
}

/** What a part says of itself; one that does not answer, or throws, cannot be used, and keeps nobody waiting. */
export async function checked(
  part: string,
  summary: string,
  subject: { check(): Promise<CheckResult> },
): Promise<PartCheck> {
  const bad = (problem: string): CheckResult => ({ ok: false, summary, problem });
  const late = bad(`It did not answer within ${CHECK_MS / 1_000} seconds.`);
  const answer = subject.check().catch((error: unknown) => bad(error instanceof Error ? error.message : String(error)));
  return { part, ...(await inTime(answer, late)) };
}

async function inTime<T, L>(answer: Promise<T>, late: L): Promise<T | L> {
  const overdue = Promise.withResolvers<L>();
  const timer = setTimeout(() => overdue.resolve(late), CHECK_MS);
  try {
    return await Promise.race([answer, overdue.promise]);
  } finally {
    clearTimeout(timer);
  }
}
