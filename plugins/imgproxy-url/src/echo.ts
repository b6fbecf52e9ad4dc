const LONGEST_ECHO = 40;

/**
 * What a client wrote, fit to be repeated in an answer: quoted, at most 40 characters, and nothing
 * that a terminal, a log or a browser would take for more than text.
 */
export function echo(text: string): string {
  const start = text.slice(0, LONGEST_ECHO).replace(/[^A-Za-z0-9 .,:;=@%+_/?#()*-]/g, '?');
  return text.length > LONGEST_ECHO ? `"${start}…"` : `"${start}"`;
}
