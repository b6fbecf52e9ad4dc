/** One header field as it was received: name in its own case, value without surrounding space. */
export type FieldPair = readonly [name: string, value: string];

/**
 * Header fields, in either of two shapes: pairs in the order they came (duplicates are several
 * pairs), or a record by **lower-case** name, as Node's `IncomingHttpHeaders` is one.
 */
export type Fields = readonly FieldPair[] | Readonly<Record<string, string | readonly string[] | undefined>>;

const NONE: readonly string[] = [];

const isPairs = (fields: Fields): fields is readonly FieldPair[] => Array.isArray(fields);

/** The lines of a field, in order; empty if it is absent. `name` is lower-case. RFC 9110 §5.3. */
export function fieldLines(fields: Fields, name: string): readonly string[] {
  if (isPairs(fields)) {
    let lines: string[] | undefined;
    for (const [key, value] of fields) {
      if (key.length === name.length && key.toLowerCase() === name) {
        if (lines === undefined) lines = [];
        lines.push(value);
      }
    }
    return lines ?? NONE;
  }
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return value === undefined ? NONE : typeof value === 'string' ? [value] : value;
}

/** The lines of a field joined with `, `; `undefined` if it is absent. `name` is lower-case. RFC 9110 §5.3. */
export function fieldValue(fields: Fields, name: string): string | undefined {
  const lines = fieldLines(fields, name);
  return lines.length > 1 ? lines.join(', ') : lines[0];
}

/** Whether a field is there at all, be it empty. `name` is lower-case. */
export function hasField(fields: Fields, name: string): boolean {
  return fieldLines(fields, name).length > 0;
}

/** The fields as pairs, in order. */
export function fieldPairs(fields: Fields): readonly FieldPair[] {
  if (isPairs(fields)) return fields;
  const pairs: FieldPair[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    for (const line of typeof value === 'string' ? [value] : value) pairs.push([name, line]);
  }
  return pairs;
}

/** The pairs without those whose lower-case name is in `names`. */
export function withoutFields(pairs: readonly FieldPair[], names: ReadonlySet<string>): readonly FieldPair[] {
  return pairs.filter(([name]) => !names.has(name.toLowerCase()));
}

/** The members of a comma-separated list, over all lines, trimmed; empty ones are skipped. RFC 9110 §5.6.1. */
export function listMembers(lines: readonly string[]): readonly string[] {
  const members: string[] = [];
  for (const line of lines) {
    for (const member of splitList(line)) {
      if (member !== '') members.push(member);
    }
  }
  return members;
}

/**
 * A line split at its commas (or semicolons) outside of quoted strings, trimmed. A quote that is never closed quotes
 * nothing: otherwise one stray character would hide all that follows it.
 */
export function splitList(line: string, separator: ',' | ';' = ','): readonly string[] {
  if (!line.includes('"')) return line.split(separator).map((member) => member.trim());
  const members: string[] = [];
  let start = 0;
  for (let at = 0; at < line.length; at++) {
    const char = line[at];
    if (char === '"') at = closingQuote(line, at) ?? at;
    else if (char === separator) {
      members.push(line.slice(start, at).trim());
      start = at + 1;
    }
  }
  members.push(line.slice(start).trim());
  return members;
}

/** Where the quoted string that begins at `open` ends; `undefined` if it doesn't. RFC 9110 §5.6.4. */
function closingQuote(line: string, open: number): number | undefined {
  for (let at = open + 1; at < line.length; at++) {
    if (line[at] === '\\') at++;
    else if (line[at] === '"') return at;
  }
  return undefined;
}

/** Fields that concern one connection, and never pass or enter a cache. RFC 9110 §7.6.1, RFC 9111 §3.1. */
const HOP_BY_HOP: readonly string[] = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/**
 * The fields that end at this hop: the fixed ones and those that `Connection` names. All a proxy has
 * to remove before it forwards, and a cache before it stores. RFC 9110 §7.6.1, RFC 9111 §3.1.
 */
export function hopByHopNames(fields: Fields): ReadonlySet<string> {
  const names = new Set(HOP_BY_HOP);
  for (const name of listMembers(fieldLines(fields, 'connection'))) names.add(name.toLowerCase());
  return names;
}
