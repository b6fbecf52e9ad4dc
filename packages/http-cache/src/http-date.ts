const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** `Sun, 06 Nov 1994 08:49:37 GMT`; the day's name isn't checked against the date. */
const IMF_FIXDATE = /^[a-z]{3}, (\d{2}) ([a-z]{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) gmt$/;
/** `Sunday, 06-Nov-94 08:49:37 GMT` */
const RFC850_DATE = /^[a-z]{6,9}, (\d{2})-([a-z]{3})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) gmt$/;
/** `Sun Nov  6 08:49:37 1994` */
const ASCTIME_DATE = /^[a-z]{3} ([a-z]{3}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/;

const FIFTY_YEARS = 50;

/**
 * An HTTP date in milliseconds since the epoch, in any of its three forms; `undefined` for all else.
 * Case doesn't matter. `now` decides the century of a two-digit year. RFC 9110 §5.6.7.
 */
export function parseHttpDate(value: string | undefined, now: number): number | undefined {
  if (value === undefined || value.length > 40) return undefined;
  const text = value.trim().toLowerCase();
  const [, day, month, year, hour, minute, second] = IMF_FIXDATE.exec(text) ?? [];
  if (day !== undefined) return instant(year, month, day, hour, minute, second);
  const rfc850 = RFC850_DATE.exec(text);
  if (rfc850 !== null) {
    const [, d, mon, short, h, m, s] = rfc850;
    const thisYear = new Date(now).getUTCFullYear();
    const inCentury = thisYear - (thisYear % 100) + Number(short);
    // A date that seems more than fifty years ahead lies in the past.
    const full = inCentury > thisYear + FIFTY_YEARS ? inCentury - 100 : inCentury;
    return instant(String(full), mon, d, h, m, s);
  }
  const asctime = ASCTIME_DATE.exec(text);
  if (asctime === null) return undefined;
  const [, mon, d, h, m, s, y] = asctime;
  return instant(y, mon, d?.trim(), h, m, s);
}

/** An instant in the form that senders must use. RFC 9110 §5.6.7. */
export function formatHttpDate(ms: number): string {
  return new Date(ms).toUTCString();
}

function instant(...parts: (string | undefined)[]): number | undefined {
  const [year, month, day, hour, minute, second] = parts;
  const monthIndex = MONTHS.indexOf(month ?? '');
  const [h, m, s] = [Number(hour), Number(minute), Number(second)];
  if (monthIndex < 0 || h > 23 || m > 59 || s > 60) return undefined;
  const midnight = Date.UTC(Number(year), monthIndex, Number(day));
  // The 31st of February is no date, and not the 3rd of March either.
  if (new Date(midnight).getUTCDate() !== Number(day)) return undefined;
  const ms = midnight + ((h * 60 + m) * 60 + s) * 1000;
  return Number.isFinite(ms) ? ms : undefined;
}
