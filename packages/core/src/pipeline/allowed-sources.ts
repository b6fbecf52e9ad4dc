import { SettingsError, type SettingsProblem } from '../contracts/settings-error.ts';

interface Rule {
  readonly scheme: string;
  readonly host: RegExp;
  readonly port: string;
  readonly path: RegExp;
  /** Whether only a part of the host's paths is allowed. */
  readonly isFolder: boolean;
}

function pattern(text: string, anything: string): string {
  return text.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', anything);
}

function hostRule(host: string): RegExp {
  return host === '' ? /^/ : new RegExp(`^${pattern(host, '[^/]*')}$`, 'i');
}

/** A `*` in the path ends where a query begins, in which anybody may write what the path must have. */
function pathRule(text: string): RegExp {
  const query = text.includes('?') ? text.indexOf('?') : text.length;
  return new RegExp(`^${pattern(text.slice(0, query), '[^/?]*')}${pattern(text.slice(query), '[^/]*')}`);
}

/** What the URL standard leaves in a path, and servers that decode it first take for a way up. */
const HIDDEN_WAY_UP = /(?:\/|%2f|%5c)(?:\.|%2e){1,2}(?=\/|%2f|%5c|$)/i;

const SOURCE_PATTERN = /^([a-z][a-z0-9+.-]*):\/\/(?:([^/@:]*)(?::(\d+))?)?(\/.*)?$/i;

/**
 * Reads `TINTYPE_ALLOWED_SOURCES`: prefixes such as `https://*.example.com/`, `s3://bucket/`,
 * `local://`. Unlike a comparison of texts it compares parsed hosts, so that
 * `https://example.com` does not let `https://example.com.evil.test` or `https://example.com@evil`
 * through. `*` stands for anything but `/`, and in a path for anything but `?`. Where a path is given,
 * dot segments that a server may find in escaped slashes (`..%2f`) lead nowhere.
 *
 * @returns whether a source URL may be asked for. With no patterns, every one may.
 * @throws SettingsError that names each pattern that is none.
 */
export function allowedSources(patterns: readonly string[]): (source: string) => boolean {
  if (patterns.length === 0) return () => true;
  const problems: SettingsProblem[] = [];
  const rules: Rule[] = [];
  for (const written of patterns) {
    const parts = SOURCE_PATTERN.exec(written);
    if (!parts) {
      problems.push({
        variable: 'TINTYPE_ALLOWED_SOURCES',
        message: `TINTYPE_ALLOWED_SOURCES has ${JSON.stringify(written)}; expected a scheme and a host, as in https://*.example.com/photos/.`,
      });
      continue;
    }
    const [, scheme = '', host = '', port = '', path = ''] = parts;
    rules.push({
      scheme: `${scheme.toLowerCase()}:`,
      host: hostRule(host),
      port: port === defaultPort(scheme) ? '' : port,
      path: pathRule(path),
      isFolder: path.length > 1,
    });
  }
  if (problems.length > 0) throw new SettingsError(problems);
  return (source) => {
    const url = URL.parse(source);
    if (url === null) return false;
    const mayLeave = HIDDEN_WAY_UP.test(url.pathname);
    return rules.some(
      (rule) =>
        !(rule.isFolder && mayLeave) &&
        rule.scheme === url.protocol &&
        rule.host.test(url.hostname) &&
        rule.port === url.port &&
        rule.path.test(url.pathname + url.search),
    );
  };
}

function defaultPort(scheme: string): string {
  return scheme === 'https' ? '443' : scheme === 'http' ? '80' : '';
}
