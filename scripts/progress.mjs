// One line per step: what, how it went, how long.

const seconds = (/** @type {number} */ since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

const line = (/** @type {string} */ verdict, /** @type {string} */ what, /** @type {string} */ note) =>
  console.log(`${verdict.padEnd(6)} ${what}${note === '' ? '' : `  (${note})`}`);

/** Begins a step. Call `ok` or `failed` once it is over; `failed` prints what the step had to say. */
export function step(/** @type {string} */ what) {
  const since = performance.now();
  return {
    ok: (note = '') => line('ok', what, [note, seconds(since)].filter(Boolean).join(', ')),
    failed: (/** @type {string} */ output) => {
      line('FAILED', what, seconds(since));
      console.log(`\n${output.trimEnd().replace(/^/gm, '    ')}\n`);
    },
  };
}

/** Says that something slow has begun. */
export const announce = (/** @type {string} */ what) => console.log(`...    ${what}`);
