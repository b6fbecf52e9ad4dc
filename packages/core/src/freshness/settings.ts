import { createPolicy, type PolicyOptions, type StatusSeconds } from '@tintype/http-cache';
import type { CoreSettings } from '../config/core-options.ts';
import { SettingsError, type SettingsProblem } from '../contracts/settings-error.ts';
import { createFreshnessPolicy, type FreshnessPolicy } from './policy.ts';

/** The settings that decide about freshness. */
export type FreshnessSettings = Pick<
  CoreSettings,
  | 'ttl'
  | 'originCacheControl'
  | 'ttlByStatus'
  | 'statusTtl'
  | 'edgeTtl'
  | 'minTtl'
  | 'maxTtl'
  | 'browserTtl'
  | 'ttlJitter'
  | 'staleWhileRevalidate'
  | 'staleIfError'
  | 'earlyRefresh'
  | 'noTransform'
  | 'originSetCookie'
  | 'cachePresetsOnly'
>;

/**
 * The policy for images. Requests to origins carry nothing of a client, so credentials are the
 * service's (RFC 9111 §3.5 is about the client's), and what clients wish of the cache does not count.
 *
 * @throws SettingsError with every list that cannot be read.
 */
export function imagePolicy(settings: FreshnessSettings): FreshnessPolicy {
  const problems: SettingsProblem[] = [];
  const options = imagePolicyOptions(settings, problems);
  if (problems.length > 0) throw new SettingsError(problems);
  return createFreshnessPolicy({
    http: createPolicy(options),
    jitter: settings.ttlJitter,
    earlyRefresh: settings.earlyRefresh,
    noTransform: settings.noTransform as FreshnessPolicy['noTransform'],
  });
}

/** The same as options, for whoever changes some of them. Problems are added to `problems`. */
export function imagePolicyOptions(settings: FreshnessSettings, problems: SettingsProblem[]): PolicyOptions {
  const { edgeTtl, browserTtl, originSetCookie, staleIfError, ttl } = settings;
  const byStatus = statusSeconds('TINTYPE_TTL_BY_STATUS', settings.ttlByStatus, problems);
  return {
    originCacheControl: settings.originCacheControl,
    // A source that says nothing and shall not be kept must not be kept for 0 seconds either.
    defaultTtl: { '200': ttl > 0 ? ttl : -1, ...byStatus },
    statusTtl: statusSeconds('TINTYPE_STATUS_TTL', settings.statusTtl, problems),
    ...(edgeTtl === undefined ? {} : { edgeTtl }),
    minTtl: settings.minTtl,
    maxTtl: settings.maxTtl,
    ...(browserTtl === undefined ? {} : { browserTtl }),
    staleWhileRevalidate: settings.staleWhileRevalidate,
    staleIfError,
    staleIfDisconnected: staleIfError,
    ...(originSetCookie === undefined ? {} : { setCookie: originSetCookie as 'refuse' | 'strip' }),
    credentials: 'service',
    clientCacheControl: 'ignore',
  };
}

const LIFETIME = /^([1-5]\d\d(?:-[1-5]\d\d)?)\s*=\s*(-1|\d{1,9})$/;

function statusSeconds(variable: string, list: readonly string[], problems: SettingsProblem[]): StatusSeconds {
  const seconds: Record<string, number> = {};
  for (const member of list) {
    const [, range, value] = LIFETIME.exec(member.trim()) ?? [];
    if (range === undefined) {
      const message = `${variable} has ${JSON.stringify(member)}; expected a status and seconds, as in 404=60 or 500-599=1.`;
      problems.push({ variable, message });
    } else seconds[range] = Number(value);
  }
  return seconds;
}
