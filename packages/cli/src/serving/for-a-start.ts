import { camelCase, VARIABLE_PREFIX } from '@tintype/core';
import type { FileInput } from './service.ts';

/** Settings that a running process cannot change, by name without `TINTYPE_`. */
const NAMES = [
  'BIND',
  'PROCESSES',
  'MAX_CLIENTS',
  'KEEP_ALIVE_TIMEOUT',
  'READ_REQUEST_TIMEOUT',
  'WRITE_RESPONSE_TIMEOUT',
  'LOG_FORMAT',
  'PROMETHEUS_BIND',
  'PROMETHEUS_NAMESPACE',
  'CONTROL_SOCKET',
  'PLUGINS',
] as const;

/** Their variables. */
export const FOR_A_START: ReadonlySet<string> = new Set(NAMES.map((name) => VARIABLE_PREFIX + name));

/**
 * A file that was read again, with the settings in it that a running process cannot change as they were
 * at the start: a process that is started later must serve as those beside it do.
 */
export function asStarted(start: FileInput, file: NonNullable<FileInput>): NonNullable<FileInput> {
  const settings: Record<string, unknown> = { ...file.settings };
  for (const property of NAMES.map(camelCase)) {
    delete settings[property];
    if (start !== undefined && Object.hasOwn(start.settings, property)) settings[property] = start.settings[property];
  }
  return { ...file, settings };
}
