/** The first segments of the key of every copy of a source; raised when the same key would mean another thing. */
export const SCHEMA = 'originals/v1';
