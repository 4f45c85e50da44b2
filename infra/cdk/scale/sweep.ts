/** The sweep: how long one takes, and when it is too long. `functions/sweep/src/`. */

import { ASSUMED } from './measured.js';
import { PRICES } from './prices.js';

/** Keys of a page of a listing. */
const PAGE = 1_000;
/** Rows of a state that one sweep looks at: handler.rs, `ROWS`. */
export const ROWS_OF_STATE = 1_000;

const { read, s3, message, ourselves } = ASSUMED.secs;

/** Seconds that all uploads take, one after the other: a page is listed, each is looked up (uploads.rs). */
export function uploadsSecs(uploads: number): number {
  return Math.ceil((uploads + 1) / PAGE) * s3 + uploads * read;
}

/** Seconds that a state takes in which so many jobs have waited for long (handler.rs, `look_into`). */
export function stateSecs(waiting: number): number {
  const rows = Math.min(waiting, ROWS_OF_STATE);
  return read + rows * (2 * s3 + message);
}

/** Most uploads that are gone through in `secs`. */
export function mostUploads(secs: number): number {
  const each = read + s3 / PAGE;
  return Math.floor((secs - ourselves - s3) / each);
}

/** Dollars a month of going through so many uploads every `everySecs`, with so much memory. */
export function uploadsDollars(uploads: number, everySecs: number, memoryMb: number): number {
  const sweeps = (365 / 12) * (86_400 / everySecs);
  const each = uploads * PRICES.dynamoRead.value + Math.ceil((uploads + 1) / PAGE) * PRICES.s3Put.value;
  const compute = uploadsSecs(uploads) * (memoryMb / 1024) * PRICES.lambdaX86.value;
  return sweeps * (each + compute);
}
