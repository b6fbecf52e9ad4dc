import { resolve } from 'node:path';
import type { OptionKind, OptionKinds, OptionSpec } from '../contracts/options.ts';
import { parseBind } from './bind.ts';

/** A setting as it was found: text of the environment or a flag, or a value of the config file. */
export type RawSetting = string | number | boolean | readonly string[];

/** A parsed value, or what was expected, as the end of the sentence "…; expected …". */
export type ParsedOption =
  | { readonly ok: true; readonly value: OptionKinds[OptionKind] }
  | { readonly ok: false; readonly expected: string };

const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/;
const SIZE = /^(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB)?$/i;
const UNITS: Readonly<Record<string, number>> = { b: 1, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 };
const TRUE = new Set(['true', '1', 't']);
const FALSE = new Set(['false', '0', 'f']);

/**
 * Reads one setting by its description. Pure but for nothing: paths are resolved against `cwd`.
 * The text has no blanks around it and is empty only for a default that says "blank".
 */
export function parseOption(spec: OptionSpec, raw: RawSetting, cwd: string): ParsedOption {
  if (typeof raw === 'object' && spec.kind !== 'list' && spec.kind !== 'hexList') return wrong(spec);
  const text = typeof raw === 'object' ? '' : String(raw).trim();
  switch (spec.kind) {
    case 'string':
      return right(text);
    case 'boolean': {
      const word = text.toLowerCase();
      return TRUE.has(word) ? right(true) : FALSE.has(word) ? right(false) : wrong(spec);
    }
    case 'integer':
      return /^[+-]?\d+$/.test(text) ? inRange(spec, Number(text)) : wrong(spec);
    case 'number':
    case 'seconds':
      return DECIMAL.test(text) ? inRange(spec, Number(text)) : wrong(spec);
    case 'bytes':
      return parseBytes(spec, text);
    case 'megapixels': {
      const checked = DECIMAL.test(text) ? inRange(spec, Number(text)) : wrong(spec);
      return checked.ok ? right(Math.round(Number(text) * 1e6)) : checked;
    }
    case 'enum': {
      const choice = spec.choices?.find((word) => word.toLowerCase() === text.toLowerCase());
      return choice === undefined ? wrong(spec) : right(choice);
    }
    case 'list':
      return right(items(raw).filter((item) => item !== ''));
    case 'hexList':
      return parseHexList(spec, text === '' && typeof raw !== 'object' ? [] : items(raw));
    case 'path':
      return right(resolve(cwd, text));
    case 'bind': {
      const bind = parseBind(text, cwd);
      return bind === undefined ? wrong(spec) : right(bind);
    }
  }
}

function parseBytes(spec: OptionSpec, text: string): ParsedOption {
  const [, digits, unit = 'B'] = SIZE.exec(text) ?? [];
  if (digits === undefined) return wrong(spec);
  const bytes = Number(digits) * (UNITS[unit.toLowerCase()] ?? 1);
  // "1.5 GiB" is fine, half a byte isn't.
  return unit === 'B' && !Number.isInteger(bytes) ? wrong(spec) : inRange(spec, Math.round(bytes));
}

function parseHexList(spec: OptionSpec, texts: readonly string[]): ParsedOption {
  const bad = texts.findIndex((item) => !/^(?:[0-9a-f]{2})+$/i.test(item));
  if (bad === -1) return right(texts.map((item) => Uint8Array.from(Buffer.from(item, 'hex'))));
  // The value is usually a secret: the position helps without showing it.
  const where = texts.length > 1 ? ` (number ${bad + 1} of ${texts.length} isn't)` : '';
  return { ok: false, expected: `${expectation(spec)}${where}` };
}

function items(raw: RawSetting): string[] {
  return (typeof raw === 'object' ? raw : String(raw).split(',')).map((item) => item.trim());
}

function inRange(spec: OptionSpec, value: number): ParsedOption {
  const min = lowest(spec);
  const fits = (min === undefined || value >= min) && (spec.max === undefined || value <= spec.max);
  return fits && Math.abs(value) <= Number.MAX_SAFE_INTEGER ? right(value) : wrong(spec);
}

/** Time, size and area are never negative, whether or not the table says so. */
function lowest(spec: OptionSpec): number | undefined {
  const natural = spec.kind === 'seconds' || spec.kind === 'bytes' || spec.kind === 'megapixels' ? 0 : undefined;
  return spec.min ?? natural;
}

function right(value: OptionKinds[OptionKind]): ParsedOption {
  return { ok: true, value };
}

function wrong(spec: OptionSpec): ParsedOption {
  return { ok: false, expected: expectation(spec) };
}

/** What a setting takes, as a clause: `a number of seconds, 0 or more`. */
export function expectation(spec: OptionSpec): string {
  switch (spec.kind) {
    case 'string':
      return 'text';
    case 'boolean':
      return 'true or false';
    case 'integer':
      return `a whole number${range(spec)}`;
    case 'number':
      return `a number${range(spec)}`;
    case 'seconds':
      return `a number of seconds${range(spec)}`;
    case 'bytes':
      return `a number of bytes${range(spec)}, also as KiB, MiB or GiB (64MiB)`;
    case 'megapixels':
      return `a number of megapixels${range(spec)}`;
    case 'enum':
      return `one of ${(spec.choices ?? []).join(', ')}`;
    case 'list':
      return 'a comma-separated list';
    case 'hexList':
      return 'hexadecimal digits, two for each byte, several values separated by commas';
    case 'path':
      return 'a path';
    case 'bind':
      return 'host:port, [IPv6]:port, :port for every interface, or the path of a socket';
  }
}

function range(spec: OptionSpec): string {
  const min = lowest(spec);
  if (min !== undefined && spec.max !== undefined) return `, ${min} to ${spec.max}`;
  if (min !== undefined) return `, ${min} or more`;
  return spec.max === undefined ? '' : `, ${spec.max} or less`;
}
