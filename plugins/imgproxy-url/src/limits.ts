/**
 * The largest width, height or offset in pixels that a URL may name. Far above what any transformer
 * makes (that limit is the transformer's), low enough that no product of two of them overflows.
 */
export const LARGEST_SIZE = 1_000_000;

/** The largest `dpr` and `zoom`. */
export const LARGEST_FACTOR = 100;

/** The largest sigma of `blur` and `sharpen`, and the largest threshold of `trim`: as in libvips. */
export const LARGEST_SIGMA = 1_000;

/** The end of the year 9999 in seconds: a time in milliseconds by mistake is beyond it. */
export const LATEST_EXPIRY = 253_402_300_799;
