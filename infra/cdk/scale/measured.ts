/** What was measured, and what is assumed where nothing was. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A file of the repository. */
export function fileOf(path: string): string {
  return readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8');
}

/** Seconds of CPU of a stage of the sample, as `bench/RESULTS.md` has them under "`make` on the sample". */
export function cpuSecs(results: string, stage: string): number {
  const row = results.split('\n').find((line) => line.startsWith(`| ${stage} |`));
  const cell = row?.split('|')[4]?.trim();
  const secs = cell?.match(/^([\d.]+) s$/)?.[1];
  if (secs === undefined) throw new Error(`bench/RESULTS.md has no row "${stage}" with its CPU in seconds`);
  return Number(secs);
}

/** Bytes of the sample's objects: `samples/`, and what was put when it was made. */
export const BYTES = {
  upload: 1_076_851,
  photo: 1_326_000,
  clip: 5_261_000,
  video: 4_200_000,
  poster: 303_000,
  logo: 28_900,
  music: 601_000,
} as const;

/** Bytes of the rows of the sample, keys and names counted, seen on the wire on 2026-11-21. */
export const ROWS = {
  job: { pending: 879, queued: 917, generating: 925, ltx_done: 1060, rendering: 1062, rendered: 1145 },
  event: { JobCreated: 587, PhotoAccepted: 633, GenerationStarted: 525, LtxDone: 830, RenderStarted: 549, Rendered: 1103 },
  attempt: 659,
  delivery: { JobCreated: 850, PhotoAccepted: 896, LtxDone: 1090, Rendered: 1361 },
  breaker: 184,
  account: 120,
  meter: 90,
  cachedClip: 450,
} as const;

/** Bytes of a place in the line before a provider, as `crates/domain/src/line.rs` writes it; `user`: for each user. */
export const LINE = { place: 148, user: 53, places: 1_000, longestPauseSecs: 600 } as const;

/** What is assumed. Each is marked as such in the page. */
export const ASSUMED = {
  /** A job of the sample has no owner and no prompt: those of a real one. */
  moreBytesOfJob: 300,
  moreBytesOfEvent: 120,
  /** Seconds that a request takes, from a function in the same region. */
  secs: {
    read: 0.005, write: 0.008, transaction: 0.015, s3: 0.03, message: 0.01, events: 0.02,
    provider: 0.3, receiver: 0.3, supabase: 0.06, ourselves: 0.005,
  },
  /** Bytes a second between S3, providers and a function. */
  bytesPerSec: 60e6,
  /** From an order to the clip. `bench/RESULTS.md`: "a provider takes about 80 s for a clip". */
  providerSecs: 80,
  /** Judging and rewrapping a delivered clip. */
  rewrapCpuSecs: 1,
  /** Cores that a photo, and a video, can be worked on with. */
  threads: { photo: 1, video: 2 },
  /** Downloads of a video. */
  views: 2,
  /** Bytes of log of an invocation: what Lambda writes of it, and a line of metrics. */
  logBytes: 1_200,
  /** Share of requests that are traced: X-Ray's own rule, above one a second. */
  traced: 0.05,
  /** Highest hour of a day beside its mean. */
  peak: 4,
  /** From an object or event to the function, per link of the chain. */
  hopSecs: 0.5,
  /** What a transaction keeps a row to itself for. */
  transactionHoldsSecs: 0.01,
  /** Alarms of a stage beside two of each function and each queue, and metrics of our own. */
  otherAlarms: 8,
  metrics: 40,
} as const;
