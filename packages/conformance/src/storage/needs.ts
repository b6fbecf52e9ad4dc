import type { StorageCapabilities } from '@tintype/core';
import type { BooleanCapability, Need } from '../catalogue/requirement.ts';
import type { HookName, StorageSubject } from './harness.ts';

/**
 * Why a requirement with this need is not tried, or `undefined` if it is. What nobody could change
 * begins with "does not apply"; a hook that the harness lacks is a gap that its author can close.
 */
export function whyNotApplicable(
  need: Need,
  capabilities: StorageCapabilities,
  subject: StorageSubject,
): string | undefined {
  if (need.startsWith('hook:')) return missingHook(need.slice(5) as HookName, subject);
  const reason = whyUndeclared(need, capabilities);
  return reason && `does not apply: ${reason}`;
}

function whyUndeclared(need: Need, capabilities: StorageCapabilities): string | undefined {
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

function missingHook(hook: HookName, subject: StorageSubject): string | undefined {
  if (subject[hook] !== undefined) return undefined;
  const reason = subject.without?.[hook];
  return reason === undefined ? `the harness has no \`${hook}\`` : `does not apply: ${reason}`;
}
