/** 3 to 63 of a-z, 0-9 and single dashes, or one of the containers that Azure makes by itself. */
export function isBucketName(name: string): boolean {
  return /^(?:\$(?:root|web|logs)|[a-z0-9](?:[a-z0-9]|-(?!-)){1,61}[a-z0-9])$/.test(name);
}
