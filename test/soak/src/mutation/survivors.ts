import type { Mutant } from './mutate.ts';

/** Why a mutant may live. */
export interface Explanation {
  /** `equivalent`: nothing can tell. `not promised`: the contract leaves it open. `out of reach`: only other tests can see it. */
  readonly kind: 'equivalent' | 'not promised' | 'out of reach';
  readonly reason: string;
}

interface Rule extends Explanation {
  readonly file: string;
  /** Matches the text of the line. */
  readonly line: RegExp;
  /** Matches `operator: original → replacement`. */
  readonly change?: RegExp;
}

const rules: readonly Rule[] = [];

/** What is known about a mutant that survived; `undefined` if it may be a hole in the suite. */
export function explain(mutant: Mutant, lineText: string): Explanation | undefined {
  const change = `${mutant.operator}: ${mutant.original} → ${mutant.replacement}`;
  return rules.find(
    (rule) => rule.file === mutant.file && rule.line.test(lineText) && (rule.change?.test(change) ?? true),
  );
}
