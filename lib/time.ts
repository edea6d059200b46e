/** Lengths of time, in milliseconds. */

/** One hour. */
export const hour = 3_600_000;
/** One day: 24 hours, whatever daylight saving does. */
export const day = 24 * hour;
/** How far clocks may differ before one of them must be wrong. */
export const clockTolerance = hour;
