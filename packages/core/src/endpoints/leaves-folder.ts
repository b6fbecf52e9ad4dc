/** Segments `.` and `..`, written however, backslashes and control characters: servers read them differently. */
export function leavesFolder(path: string): boolean {
  const [folder = ''] = path.split(/[?#]/, 1);
  return /(?:^|\/|%2f)(?:\.|%2e){1,2}(?=\/|%2f|$)|\\|%5c/i.test(folder) || hasControlCharacter(path);
}

function hasControlCharacter(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}
