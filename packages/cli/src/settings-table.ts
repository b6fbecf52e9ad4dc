import { styleText } from 'node:util';
import type { EffectiveSetting } from '@tintype/core';

export interface TableLayout {
  /** Columns of the terminal. */
  readonly width: number;
  /** Decides about colours: none unless it is a terminal, none with NO_COLOR. */
  readonly stream: NodeJS.WriteStream;
}

const INDENT = '  ';
const GAP = '  ';

/** Every setting by section: variable, value, where it came from. What is a default is dimmed. */
export function settingsTable(effective: readonly EffectiveSetting[], layout: TableLayout): string {
  const style = (format: 'bold' | 'dim' | 'cyan', text: string) =>
    text === '' ? text : styleText(format, text, { stream: layout.stream });
  const widest = (texts: readonly string[]) => Math.max(0, ...texts.map((text) => text.length));

  const sections = Map.groupBy(effective, ({ section }) => section);
  const name = widest(effective.map(({ variable }) => variable));
  const value = Math.min(widest(effective.map(shownValue)), layout.width < 100 ? 16 : 40);

  const lines: string[] = [];
  for (const [title, settings] of sections) {
    lines.push('', style('bold', title));
    for (const setting of settings) {
      const chosen = setting.source !== 'default' && setting.source !== 'unset';
      const shown = shownValue(setting);
      const from = shownSource(setting);
      const left = `${INDENT}${setting.variable.padEnd(name)}${GAP}`;
      const room = layout.width - left.length - GAP.length - from.length;
      // In columns where that fits, else beside the value, else below it: nothing is ever cut off.
      const cell = Math.max(shown.length, value) <= room ? shown.padEnd(value) : shown;
      const tail = shown.length <= room ? `${GAP}${from}` : `\n${' '.repeat(left.length)}${from}`;
      lines.push((chosen ? left + cell + style('cyan', tail) : style('dim', left + cell + tail)).trimEnd());
    }
  }
  return `${lines.slice(1).join('\n')}\n`;
}

function shownValue({ value, source, spec }: EffectiveSetting): string {
  if (source === 'unset' || value === '') return '-';
  return spec.kind === 'string' && /^\s|\s$/.test(value) ? JSON.stringify(value) : value;
}

function shownSource({ variable, from, source }: EffectiveSetting): string {
  if (source === 'default' || source === 'unset') return 'default';
  return from === variable ? 'environment' : from;
}
