import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { Mutant } from './mutate.ts';
import type { Verdict } from './worker.ts';

/** Verdicts in a file, a line of JSON each. One holds as long as the mutated source is the same. */
export class KeptVerdicts {
  readonly #path: string | undefined;
  readonly #verdicts = new Map<string, Verdict>();

  /** @param path nothing is kept without one. */
  constructor(path: string | undefined) {
    this.#path = path;
    if (path === undefined || !existsSync(path)) return;
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      if (line === '') continue;
      const { name, verdict } = JSON.parse(line);
      this.#verdicts.set(name, verdict);
    }
  }

  get(mutant: Mutant, source: string): Verdict | undefined {
    return this.#verdicts.get(nameOf(mutant, source));
  }

  keep(mutant: Mutant, source: string, verdict: Verdict): void {
    if (this.#path === undefined) return;
    const kept = { name: nameOf(mutant, source), verdict: { ...verdict, costs: [] } };
    appendFileSync(this.#path, `${JSON.stringify(kept)}\n`);
  }
}

function nameOf({ file, start, end, replacement }: Mutant, source: string): string {
  const digest = createHash('sha256').update(source).digest('hex').slice(0, 16);
  return `${file} ${digest} ${start}-${end} ${replacement}`;
}
