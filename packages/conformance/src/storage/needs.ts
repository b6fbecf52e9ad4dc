import type { StorageCapabilities } from '@tintype/core';
import type { BooleanCapability, Need } from '../catalogue/requirement.ts';
import type { StorageSubject } from './harness.ts';

/** Why a requirement with this need does not apply, or `undefined` if it does. */
export function whyNotApplicable(
  need: Need,
  capabilities: StorageCapabilities,
  subject: StorageSubject,
): string | undefined {
  if (need.startsWith('hook:')) return missingHook(need.slice(5), subject);
  if (need.startsWith('not:')) {
    const capability = need.slice(4) as BooleanCapability;
    return capabilities[capability] ? `${capability} is declared` : undefined;
  }
  switch (need) {
    case 'strong-reads':
      return capabilities.readConsistency.kind === 'strong' ? undefined : 'reads are declared eventually consistent';
    case 'eventual-reads':
      return capabilities.readConsistency.kind === 'eventual' ? undefined : 'reads are declared strongly consistent';
    case 'strong-lists':
      return capabilities.listConsistency.kind === 'strong' ? undefined : 'lists are declared eventually consistent';
    case 'eventual-lists':
      return capabilities.listConsistency.kind === 'eventual' ? undefined : 'lists are declared strongly consistent';
    case 'store-scope':
      return capabilities.readConsistency.scope === 'store'
        ? undefined
        : 'consistency is declared within one instance only';
    case 'durable':
      return capabilities.durability === 'none' ? 'durability is declared `none`' : undefined;
    case 'finite-size':
      return capabilities.maxObjectBytes <= LARGEST_TRIED ? undefined : 'maxObjectBytes is more than can be tried';
    default:
      return capabilities[need as BooleanCapability] ? undefined : `${need} is not declared`;
  }
}

/** Above this the limit itself is not tried, in bytes. */
const LARGEST_TRIED = 64 * 1024 * 1024;

function missingHook(hook: string, subject: StorageSubject): string | undefined {
  const has = hook in subject && subject[hook as keyof StorageSubject] !== undefined;
  return has ? undefined : `the harness has no \`${hook}\``;
}
