/** What the process that is killed does; passed as JSON. */
export interface CrashPlan {
  /** URL of the module with `createAdapter(data)`. */
  readonly module: string;
  readonly data: unknown;
  readonly prefix: string;
  /** Writers at a time; each has keys of its own and they share one. */
  readonly writers: number;
  /** Number of the first put; numbers never repeat over kills. */
  readonly first: number;
}

/** The body of put `number`: long enough to be cut, and it says where it comes from. */
export function crashBody(key: string, number: number): Uint8Array {
  const size = [200, 5_000, 70_000, 400_000][number % 4] ?? 200;
  const line = `${key}#${number};`;
  return new TextEncoder().encode(line.repeat(Math.ceil(size / line.length)));
}

/** The number of the put that a body comes from, or `undefined` if it is not whole. */
export function crashNumber(key: string, bytes: Uint8Array): number | undefined {
  const text = new TextDecoder().decode(bytes);
  const number = Number(/^[^#]*#(\d+);/.exec(text)?.[1] ?? Number.NaN);
  if (!Number.isInteger(number)) return undefined;
  return Buffer.compare(bytes, crashBody(key, number)) === 0 ? number : undefined;
}

export function crashKeys(prefix: string, writer: number): readonly string[] {
  return [`${prefix}w${writer}/a`, `${prefix}w${writer}/b`, `${prefix}shared`];
}
