/** Lengths of time, in milliseconds. */

/** One minute. */
export const minute = 60_000;
/** One hour. */
export const hour = 60 * minute;
/** One day: 24 hours, whatever daylight saving does. */
export const day = 24 * hour;
/** How far clocks may differ before one of them must be wrong. */
export const clockTolerance = hour;
