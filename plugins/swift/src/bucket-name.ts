/** Any text of at most 256 bytes without a slash; dots alone would be resolved on the way. */
export function isBucketName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/') && Buffer.byteLength(name) <= 256;
}
