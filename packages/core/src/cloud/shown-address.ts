/**
 * An address from the settings as a refusal of it may show it, in quotes: without what stands before
 * an `@`, and without query and fragment, where signatures and tokens are.
 */
export function shownAddress(address: string): string {
  const shown = address.replace(/[?#].*$/s, (rest) => `${rest[0]}…`);
  return JSON.stringify(shown.replace(/^([a-z][a-z0-9+.-]*:)?(\/\/)?.*@/is, '$1$2…@'));
}
