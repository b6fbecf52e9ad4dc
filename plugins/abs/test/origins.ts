import { onTestFinished } from 'vitest';
import type { AbsOriginOptions } from '../src/options.ts';
import { AbsOrigin } from '../src/origin.ts';

const scope = { downloadTimeout: 60, isAllowed: () => true };

const options: AbsOriginOptions = {
  name: 'account',
  endpoint: undefined,
  key: 'YW55',
  sasToken: undefined,
  connectionString: undefined,
  maxSockets: 50,
  requestTimeout: 60,
  allowedBuckets: [],
  deniedBuckets: [],
};

/** An origin that is closed when the test ends. */
export async function open(more: Partial<AbsOriginOptions>): Promise<AbsOrigin> {
  const origin = new AbsOrigin({ ...options, ...more }, scope);
  await origin.open();
  onTestFinished(() => origin.close());
  return origin;
}
