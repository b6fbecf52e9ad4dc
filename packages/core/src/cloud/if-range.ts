/**
 * Whether a range counts beside this `If-Range`: it is not there, a strong tag, or a date. A weak tag
 * never matches, and neither does what is none of these. RFC 9110 §13.1.5.
 */
export function canHold(ifRange: string | undefined): boolean {
  if (ifRange === undefined) return true;
  return /^"[^"]*"$/.test(ifRange) || (/^[A-Za-z]{3,9},? /.test(ifRange) && !Number.isNaN(Date.parse(ifRange)));
}
