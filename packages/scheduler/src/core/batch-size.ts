/** Rows are judged this many at a time. */
export const batchSize = 256;
