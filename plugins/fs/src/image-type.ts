/** Beginnings of the formats that browsers show, by their media types. SVG is text: never guessed. */
const BEGINNINGS: readonly (readonly [type: string, pattern: RegExp])[] = [
  ['image/jpeg', /^\xff\xd8\xff/],
  ['image/png', /^\x89PNG\r\n/],
  ['image/gif', /^GIF8[79]a/],
  ['image/webp', /^RIFF.{4}WEBP/s],
  ['image/avif', /^.{4}ftypavi[fs]/s],
  ['image/heic', /^.{4}ftyphei[cx]/s],
  ['image/jxl', /^(?:\xff\n|.{4}JXL \r\n)/s],
  ['image/tiff', /^(?:II\*|MM.\*)/s],
  ['image/bmp', /^BM/],
];

/** Bytes that `imageType` looks at. */
export const TYPE_BYTES = 16;

/** The media type that the first bytes of a file show: names say nothing reliable. */
export function imageType(beginning: Uint8Array): string {
  const text = Buffer.from(beginning.subarray(0, TYPE_BYTES)).toString('latin1');
  return BEGINNINGS.find(([, pattern]) => pattern.test(text))?.[0] ?? 'application/octet-stream';
}
