import { SettingsError, type SettingsProblem } from '../contracts/settings-error.ts';

interface Rule {
  readonly scheme: string;
  readonly host: RegExp;
  readonly port: string;
  readonly path: RegExp;
}

function wildcard(text: string, anchor: '$' | ''): RegExp {
  const escaped = text.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*');
  return new RegExp(`^${escaped}${anchor}`, anchor === '$' ? 'i' : '');
}

const PATTERN = /^([a-z][a-z0-9+.-]*):\/\/(?:([^/@:]*)(?::(\d+))?)?(\/.*)?$/i;

/**
 * Reads `TINTYPE_ALLOWED_SOURCES`: prefixes such as `https://*.example.com/`, `s3://bucket/`,
 * `local://`. Unlike a comparison of texts it compares parsed hosts, so that
 * `https://example.com` does not let `https://example.com.evil.test` or `https://example.com@evil`
 * through. `*` stands for anything but `/`.
 *
 * @returns whether a source URL may be asked for. With no patterns, every one may.
 * @throws SettingsError that names each pattern that is none.
 */
export function allowedSources(patterns: readonly string[]): (source: string) => boolean {
  if (patterns.length === 0) return () => true;
  const problems: SettingsProblem[] = [];
  const rules: Rule[] = [];
  for (const pattern of patterns) {
    const parts = PATTERN.exec(pattern);
    if (!parts) {
      problems.push({
        variable: 'TINTYPE_ALLOWED_SOURCES',
        message: `TINTYPE_ALLOWED_SOURCES has ${JSON.stringify(pattern)}; expected a scheme and a host, as in https://*.example.com/photos/.`,
      });
      continue;
    }
    const [, scheme = '', host = '', port = '', path = ''] = parts;
    rules.push({
      scheme: `${scheme.toLowerCase()}:`,
      host: host === '' ? /^/ : wildcard(host, '$'),
      port: port === defaultPort(scheme) ? '' : port,
      path: wildcard(path, ''),
    });
  }
  if (problems.length > 0) throw new SettingsError(problems);
  return (source) => {
    const url = URL.parse(source);
    if (url === null) return false;
    return rules.some(
      (rule) =>
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
