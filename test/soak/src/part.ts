/** What a part of the soak is told. */
export interface Soak {
  /** A folder of its own; removed afterwards. */
  readonly scratch: string;
  /** Processes that may work at a time. */
  readonly jobs: number;
  /** Any text: the random choices of the whole soak follow from it. */
  readonly seed: string;
  /** How much of it runs: 1 is all of it. */
  readonly share: number;
  /** File that keeps verdicts on mutants, so that a run that was broken off goes on where it was. */
  readonly resume: string | undefined;
  /** Storages (of `seeds`), faults (of `zoo`) or files (of `mutation`) by the beginning of their name; empty for all. */
  readonly only: readonly string[];
  /** Folder for what a conformance run that failed has found, whole, as JSON. */
  readonly failures: string | undefined;
  progress(line: string): void;
}

/** What a part found out. */
export interface PartResult {
  readonly ok: boolean;
  /** One sentence: what ran, and how it went. */
  readonly summary: string;
  /** Lines of Markdown below the part's heading. */
  readonly details: readonly string[];
  /** What was left out, so that nobody takes it for done. */
  readonly omitted: readonly string[];
}

/** One thing that `npm run soak` can do. */
export interface Part {
  readonly name: string;
  readonly title: string;
  /** Minutes that all of it takes on two idle cores, about. */
  readonly minutes: number;
  run(soak: Soak): Promise<PartResult>;
}

/** `count` at the chosen share, at least one. */
export function atShare(soak: Soak, count: number): number {
  return Math.max(1, Math.round(count * soak.share));
}

/** Whether `--only` leaves it in. */
export function isMeant({ only }: Soak, name: string): boolean {
  return only.length === 0 || only.some((beginning) => name.startsWith(beginning));
}

/** `1 kill`, `300 kills`, `2 processes`. */
export function plural(count: number, noun: string): string {
  const ending = count === 1 ? '' : noun.endsWith('s') ? 'es' : 's';
  return `${count.toLocaleString('en')} ${noun}${ending}`;
}
