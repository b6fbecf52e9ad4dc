/** What a client did to one key, and what it was told. */
export type RegisterCall =
  | { readonly kind: 'put'; readonly value: string; readonly version: string | undefined }
  | { readonly kind: 'create'; readonly value: string; readonly version: string | undefined; readonly refused: boolean }
  | {
      readonly kind: 'replace';
      readonly value: string;
      readonly ifVersion: string;
      readonly version: string | undefined;
      readonly refused: boolean;
    }
  | { readonly kind: 'delete' }
  | { readonly kind: 'delete-version'; readonly ifVersion: string; readonly refused: boolean }
  | { readonly kind: 'describe'; readonly note: string; readonly version: string | undefined; readonly found: boolean }
  /** `note` is the metadata, `value` the body; a `stat` sees no body. */
  | {
      readonly kind: 'read';
      readonly found: boolean;
      readonly value?: string | undefined;
      readonly note?: string | undefined;
      readonly version?: string | undefined;
    };

/** One operation in time. `answered` is `Infinity` where the outcome is not known: it may or may not have happened. */
export interface RegisterOperation {
  readonly client: string;
  readonly key: string;
  readonly called: number;
  readonly answered: number;
  readonly call: RegisterCall;
}

/** One operation as a line of a report. */
export function operationLine(operation: RegisterOperation): string {
  const answered = Number.isFinite(operation.answered) ? String(operation.answered) : '?';
  return `${operation.client} [${operation.called}–${answered}] ${callText(operation.call)}`;
}

function callText(call: RegisterCall): string {
  const version = 'version' in call && call.version !== undefined ? ` → version ${call.version}` : '';
  switch (call.kind) {
    case 'put':
      return `put ${call.value}${version}`;
    case 'create':
      return `put ${call.value} if absent${call.refused ? ' → refused' : version}`;
    case 'replace':
      return `put ${call.value} if version ${call.ifVersion}${call.refused ? ' → refused' : version}`;
    case 'delete':
      return 'delete';
    case 'delete-version':
      return `delete if version ${call.ifVersion}${call.refused ? ' → refused' : ''}`;
    case 'describe':
      return `set metadata ${call.note}${call.found ? version : ' → no entry'}`;
    case 'read':
      if (!call.found) return 'read → no entry';
      return `read → ${call.value ?? ''}${call.note === undefined ? '' : ` (metadata ${call.note})`}${version}`;
  }
}
