/** As they were written. */
export interface GivenArguments {
  /** Names that no part has. */
  readonly unknown: readonly string[];
  readonly share: string;
  readonly jobs: string;
}

/** Why nothing can be run, in a sentence; `undefined` if it can. */
export function whatIsWrong({ unknown, share, jobs }: GivenArguments): string | undefined {
  if (unknown.length > 0) return `There is no part "${unknown.join('", "')}".`;
  if (!(Number(share) > 0 && Number(share) <= 1)) {
    return `--share is "${share}"; expected a part of the whole: above 0 and at most 1, such as 0.1.`;
  }
  if (!Number.isInteger(Number(jobs)) || Number(jobs) < 1) {
    return `--jobs is "${jobs}"; expected a whole number from 1 on, such as 2.`;
  }
  return undefined;
}
