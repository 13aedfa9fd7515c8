/** Versions that the command and the API report. */

/** Coracle's own version. */
export const version = '0.1.0';
