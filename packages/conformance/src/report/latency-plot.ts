import type { ProfiledOperation, ProfileRow } from '../profile/profile.ts';
import { sizeText } from './text.ts';

const WIDTH = 296;
const HEIGHT = 220;
const LEFT = 48;
const RIGHT = 62;
const TOP = 10;
const BOTTOM = 26;
const COLOURS = ['#3b7dd8', '#d9822b', '#8e5bc0', '#2f9e78'];

/** One plot per operation on a common scale, as inline SVG in figures. */
export function latencyPlots(rows: readonly ProfileRow[]): string {
  const low = Math.max(0.0005, Math.min(...rows.map((row) => row.p50)));
  const high = Math.max(...rows.map((row) => row.p99), low * 10);
  const bottom = Math.floor(Math.log10(low));
  const top = Math.ceil(Math.log10(high));
  const operations: readonly ProfiledOperation[] = ['get-hit', 'get-miss', 'put'];
  return operations
    .filter((operation) => rows.some((row) => row.operation === operation))
    .map((operation) => {
      const own = rows.filter((row) => row.operation === operation);
      return `<figure><figcaption>${operation}</figcaption>${plot(own, bottom, top)}</figure>`;
    })
    .join('');
}

function plot(rows: readonly ProfileRow[], bottom: number, top: number): string {
  const clients = [...new Set(rows.map((row) => row.concurrency))].sort((a, b) => a - b);
  const last = Math.log2(clients.at(-1) ?? 1) || 1;
  const x = (concurrency: number) => LEFT + (Math.log2(concurrency) / last) * (WIDTH - LEFT - RIGHT);
  const y = (ms: number) =>
    TOP + ((top - Math.log10(Math.max(ms, 10 ** bottom))) / (top - bottom)) * (HEIGHT - TOP - BOTTOM);
  const parts: string[] = [];
  for (let power = bottom; power <= top; power++) {
    const at = y(10 ** power).toFixed(1);
    parts.push(`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}"/>`);
    parts.push(`<text x="${LEFT - 6}" y="${at}" text-anchor="end" dominant-baseline="middle">${tick(power)}</text>`);
  }
  for (const each of clients) {
    parts.push(`<text x="${x(each).toFixed(1)}" y="${HEIGHT - 8}" text-anchor="middle">${each}</text>`);
  }
  const sizes = [...new Set(rows.map((row) => row.size))].sort((a, b) => a - b);
  const labels = spread(
    sizes.map((size) => y(rows.filter((row) => row.size === size).at(-1)?.p50 ?? 1)),
    12,
  );
  for (const [index, size] of sizes.entries()) {
    const line = rows.filter((row) => row.size === size).sort((a, b) => a.concurrency - b.concurrency);
    const colour = COLOURS[index % COLOURS.length];
    const point = (row: ProfileRow, value: number) => `${x(row.concurrency).toFixed(1)},${y(value).toFixed(1)}`;
    const median = line.map((row) => point(row, row.p50));
    const slow = [...line].reverse().map((row) => point(row, row.p99));
    parts.push(`<polygon points="${[...median, ...slow].join(' ')}" fill="${colour}" opacity="0.14"/>`);
    parts.push(`<polyline points="${median.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    for (const row of line) {
      const title = `${sizeText(size)}, ${row.concurrency} at a time: p50 ${row.p50.toFixed(3)} ms, p99 ${row.p99.toFixed(3)} ms`;
      const [cx, cy] = point(row, row.p50).split(',');
      parts.push(`<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"><title>${title}</title></circle>`);
    }
    const label = size === 0 ? 'no entry' : sizeText(size);
    parts.push(
      `<text x="${WIDTH - RIGHT + 8}" y="${labels[index]?.toFixed(1)}" dominant-baseline="middle" style="fill:${colour}">${label}</text>`,
    );
  }
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img">${parts.join('')}</svg>`;
}

function tick(power: number): string {
  if (power >= 3) return `${10 ** (power - 3)} s`;
  return power >= 0 ? `${10 ** power} ms` : `${10 ** (power + 3)} µs`;
}

/** Positions at least `gap` apart, near the given ones, so that labels don't overlap. */
function spread(positions: readonly number[], gap: number): number[] {
  const order = positions.map((_, index) => index).sort((a, b) => (positions[a] ?? 0) - (positions[b] ?? 0));
  const placed = [...positions];
  let last = Number.NEGATIVE_INFINITY;
  for (const index of order) {
    placed[index] = Math.max(placed[index] ?? 0, last + gap);
    last = placed[index] ?? last;
  }
  return placed;
}
