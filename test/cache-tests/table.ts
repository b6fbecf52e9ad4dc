import type { Kind, Row } from './catalogue.ts';

/** One table: how many of each kind passed, and which didn't, with what was seen. */
export function table(rows: readonly Row[]): string {
  const kinds: readonly Kind[] = ['required', 'optimal', 'check'];
  const counts = kinds.map((kind) => {
    const ofKind = rows.filter((row) => row.kind === kind);
    const passed = ofKind.filter((row) => row.passed).length;
    return `  ${kind.padEnd(9)} ${String(passed).padStart(4)} of ${String(ofKind.length).padStart(4)}`;
  });
  const failed = rows.filter((row) => !row.passed && row.kind !== 'check');
  const width = Math.max(0, ...failed.map(({ id }) => id.length));
  const lines = failed.map(({ id, kind, reason }) => `  ${kind.padEnd(9)} ${id.padEnd(width)}  ${firstLine(reason)}`);
  return ['http-cache-tests 0.4.5', ...counts, ...lines].join('\n');
}

const firstLine = (text: string): string => (text.split('\n')[0] ?? '').slice(0, 120);
