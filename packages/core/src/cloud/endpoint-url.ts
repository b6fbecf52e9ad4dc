/**
 * The URL of a web service with a scheme and without a slash at its end; `undefined` if it is none, or
 * if it has what belongs into other settings: a user, a password, a query, a fragment.
 *
 * @param scheme what is meant where the text names none.
 */
export function endpointUrl(text: string, scheme: 'http' | 'https' = 'http'): string | undefined {
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `${scheme}://${text}`;
  if (!URL.canParse(address)) return undefined;
  const { protocol, username, password, search, hash } = new URL(address);
  const plain = username === '' && password === '' && search === '' && hash === '';
  return /^https?:$/.test(protocol) && plain ? address.replace(/\/+$/, '') : undefined;
}
