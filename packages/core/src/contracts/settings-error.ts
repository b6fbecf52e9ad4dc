/** One wrong setting: its variable, what it is (secrets hidden), and what is expected. */
export interface SettingsProblem {
  readonly variable: string;
  readonly message: string;
}

const BRAND = Symbol.for('tintype.SettingsError');

/** Everything that is wrong with the configuration, at once. */
export class SettingsError extends Error {
  static {
    // On the prototype, so that `is` knows instances of another copy of this package.
    Object.defineProperty(SettingsError.prototype, BRAND, { value: true });
  }

  override readonly name = 'SettingsError';
  readonly problems: readonly SettingsProblem[];

  constructor(problems: readonly SettingsProblem[]) {
    super(problems.map((problem) => problem.message).join('\n'));
    this.problems = problems;
  }

  static is(value: unknown): value is SettingsError {
    return typeof value === 'object' && value !== null && BRAND in value;
  }
}
