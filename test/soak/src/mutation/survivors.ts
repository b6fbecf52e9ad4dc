import type { Mutant } from './mutate.ts';

/** Why a mutant may live. */
export interface Explanation {
  /**
   * `equivalent`: it does what the original does, for whoever keeps the contract. `not promised`: the
   * contract leaves it open. `out of reach`: only tests that know the adapter from within can see it.
   */
  readonly kind: 'equivalent' | 'not promised' | 'out of reach';
  readonly reason: string;
}

interface Rule extends Explanation {
  readonly file: string;
  /** Matches the text of the line. */
  readonly line: RegExp;
  /** Matches `original → replacement`. */
  readonly change?: RegExp;
}

const memory: readonly Rule[] = [
  {
    file: 'storage.ts',
    line: /tooLarge\(\)|weight > this\.#maxBytes|size > room|const room = |code: 'too-large'|return new StorageError\(\{$/,
    kind: 'equivalent',
    reason:
      'core passes no body above `maxObjectBytes`, and what is declared fits the limit: a second net that nothing falls into',
  },
  {
    file: 'storage.ts',
    line: /body\.bytes === undefined \?/,
    change: /→ true$/,
    kind: 'equivalent',
    reason: 'the stream of a body that lies in memory yields the same bytes',
  },
  {
    file: 'storage.ts',
    line: /'ifAbsent' in condition \? stored === undefined/,
    kind: 'equivalent',
    reason: 'an absent entry has the version `undefined`, and so has the condition',
  },
  {
    file: 'storage.ts',
    line: /this\.#writes \+= 1/,
    kind: 'equivalent',
    reason: 'versions only have to differ',
  },
  {
    file: 'storage.ts',
    line: /expiresAt > this\.#now\(\)/,
    change: />=/,
    kind: 'equivalent',
    reason: 'one millisecond of the clock',
  },
  {
    file: 'storage.ts',
    line: /^this\.#remove\(key\);$/,
    kind: 'not promised',
    reason: 'an entry that has expired or was replaced may count against the limit for a while',
  },
  {
    file: 'storage.ts',
    line: /this\.#bytes <= this\.#maxBytes|key\.length \+ metadata\.encoded\.length|this\.#bytes -= /,
    kind: 'not promised',
    reason: 'what counts against the limit besides bodies is the adapter’s own',
  },
  {
    file: 'storage.ts',
    line: /get bytes\(\)|return this\.#bytes;/,
    kind: 'not promised',
    reason: 'a figure for tools; no part of the contract',
  },
  {
    file: 'storage.ts',
    line: /async close\(\)|this\.#entries\.clear\(\)|this\.#bytes = 0;/,
    kind: 'not promised',
    reason: 'what a closed adapter still holds in memory goes with it',
  },
  {
    file: 'storage.ts',
    line: /this\.#entries\.delete\(key\);/,
    kind: 'not promised',
    reason: 'which entry makes room is the adapter’s own choice; least recently used is the plugin’s',
  },
  {
    file: 'storage.ts',
    line: /versionCoversMetadata: true/,
    kind: 'not promised',
    reason: 'to declare less than is held is allowed where nobody can do harm with it',
  },
];

const fs: readonly Rule[] = [];

/** What is known about a mutant that survived; `undefined` if it may be a hole in the suite. */
export function explain(adapter: 'memory' | 'fs', mutant: Mutant, lineText: string): Explanation | undefined {
  const change = `${mutant.original} → ${mutant.replacement}`;
  return (adapter === 'memory' ? memory : fs).find(
    (rule) => rule.file === mutant.file && rule.line.test(lineText) && (rule.change?.test(change) ?? true),
  );
}
