import type { RunningServer } from './server.ts';

/** How to sign for a server that speaks Azure Blob's protocol. */
export interface AbsAccess {
  /** With the account in its path, where the server has it there. */
  readonly endpoint: string;
  readonly name: string;
  readonly key: string;
}

export function absAccess({ endpoint, access }: RunningServer): AbsAccess {
  const { NAME: name = '', KEY: key = '' } = access;
  return { endpoint, name, key };
}
