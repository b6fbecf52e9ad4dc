import type { HttpFields } from '../contracts/http-fields.ts';
import { canHold } from './if-range.ts';

/** What a request asks to hold of an object, and the part that it wants, in terms that every service has. */
export interface ObjectConditions {
  readonly ifNoneMatch?: string;
  readonly ifModifiedSince?: Date;
  /** The field `Range` as it came. */
  readonly range?: string;
  /** Stands for an `If-Range` with a tag, which no service has: 412 means that the whole is wanted. */
  readonly ifMatch?: string;
  /** The same for an `If-Range` with a date. */
  readonly ifUnmodifiedSince?: Date;
}

/** The conditional and range fields of a request. RFC 9110 §13.1, §14.2. */
export function conditionsOf(headers: HttpFields): ObjectConditions {
  const { range, 'if-none-match': ifNoneMatch, 'if-range': ifRange } = headers;
  const since = date(headers['if-modified-since']);
  const ranged = range !== undefined && canHold(ifRange);
  const byTag = ifRange?.startsWith('"') ?? false;
  const unmodified = ranged && !byTag ? date(ifRange) : undefined;
  return {
    ...(ifNoneMatch !== undefined && { ifNoneMatch }),
    // RFC 9110 §13.1.3: without effect beside If-None-Match.
    ...(since !== undefined && ifNoneMatch === undefined && { ifModifiedSince: since }),
    ...(ranged && { range }),
    ...(ranged && byTag && ifRange !== undefined && { ifMatch: ifRange }),
    ...(unmodified !== undefined && { ifUnmodifiedSince: unmodified }),
  };
}

/** The same for the whole of the object: a range, and what stands for its `If-Range`, do not count. */
export function ofWhole({ ifNoneMatch, ifModifiedSince }: ObjectConditions): ObjectConditions {
  return {
    ...(ifNoneMatch !== undefined && { ifNoneMatch }),
    ...(ifModifiedSince !== undefined && { ifModifiedSince }),
  };
}

/** The same as fields, for services that are asked in HTTP itself. */
export function conditionFields(conditions: ObjectConditions): Readonly<Record<string, string>> {
  const { ifNoneMatch, ifModifiedSince, range, ifMatch, ifUnmodifiedSince } = conditions;
  return {
    ...(ifNoneMatch !== undefined && { 'if-none-match': ifNoneMatch }),
    ...(ifModifiedSince !== undefined && { 'if-modified-since': ifModifiedSince.toUTCString() }),
    ...(range !== undefined && { range }),
    ...(ifMatch !== undefined && { 'if-match': ifMatch }),
    ...(ifUnmodifiedSince !== undefined && { 'if-unmodified-since': ifUnmodifiedSince.toUTCString() }),
  };
}

function date(field: string | undefined): Date | undefined {
  const at = Date.parse(field ?? '');
  return Number.isNaN(at) ? undefined : new Date(at);
}
