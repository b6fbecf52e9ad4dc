/**
 * Header fields by lower-case name. A field that came several times is joined with `, `, except
 * `set-cookie`, which never reaches this record.
 */
export type HttpFields = Readonly<Record<string, string | undefined>>;
