const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `67108864` → `64 MiB`, for people: the largest unit that leaves a number of at least one. */
export function formatBytes(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${Math.round(amount * 10) / 10} ${UNITS[unit]}`;
}
