/** Many videos: rates, what runs at once, how long queues make wait. */

import { type Topology, isFed } from '../lib/topology.js';
import { type Chain, TOLD, waitingLook } from './chain.js';
import { functionOf, secsFor, secsOf } from './cost.js';
import { readUnits } from './deeds.js';
import { LINE, ASSUMED } from './measured.js';
import { QUOTAS } from './quotas.js';
import { lineBytes } from './rows.js';

/** Photos a day that the page looks at. */
export const VOLUMES = [1_000, 100_000, 1_000_000] as const;

const DAY_SECS = 86_400;

/** Videos a second in the highest hour. */
export function peakRate(photosADay: number): number {
  return (photosADay / DAY_SECS) * ASSUMED.peak;
}

/** Photos a day at whose highest hour so many videos a second are reached. */
export function photosADay(videosASecond: number): number {
  return (videosASecond * DAY_SECS) / ASSUMED.peak;
}

/** How often a function runs for a video, and what runs at once at a rate: Little's law. */
export function demand(chain: Chain, topology: Topology, name: string, rate: number) {
  const runs = chain.invocations.filter((one) => one.function === name).reduce((sum, one) => sum + one.times, 0);
  return { runs: runs * rate, atOnce: rate * secsFor(chain, topology, name) };
}

/**
 * Probability that somebody has to wait for one of `servers`, all of whom are offered `load` (Erlang C).
 *
 * 1 where they cannot keep up.
 */
export function mustWait(load: number, servers: number): number {
  if (load >= servers) return 1;
  let blocked = 1; // Erlang B, server by server
  for (let n = 1; n <= servers; n += 1) blocked = (load * blocked) / (n + load * blocked);
  return blocked / (1 - (load / servers) * (1 - blocked));
}

/** What the highest hour does to a queue. */
export interface Wait {
  readonly load: number;
  readonly servers: number;
  /** Mean wait while it keeps up, in seconds. */
  readonly meanSecs?: number;
  /** Where it does not: what has piled up after the hour, and how long the last of it waits. */
  readonly behind?: { readonly runs: number; readonly lastWaitsSecs: number };
  /** Whether it never catches up. */
  readonly isHopeless: boolean;
}

/** What the highest hour of a day does to a queue that `servers` serve, each in `secs`. */
export function waitOf(runsASecond: number, secs: number, servers: number): Wait {
  const load = runsASecond * secs;
  const capacity = servers / secs;
  const isHopeless = runsASecond / ASSUMED.peak >= capacity;
  if (load < servers) {
    return { load, servers, meanSecs: (mustWait(load, servers) * secs) / (servers - load), isHopeless };
  }
  const behind = (runsASecond - capacity) * 3_600;
  return { load, servers, behind: { runs: behind, lastWaitsSecs: behind / capacity }, isHopeless };
}

/** The same for a function of the topology, with the maximum that it sets. */
export function waitBefore(chain: Chain, topology: Topology, name: string, rate: number): Wait | undefined {
  const { trigger } = functionOf(topology, name);
  if (!isFed(trigger)) return undefined;
  const { runs, atOnce } = demand(chain, topology, name, rate);
  return runs === 0 ? undefined : waitOf(runs, atOnce / runs, trigger.maximumConcurrency);
}

/** Seconds from the upload to the video where nothing waits. */
export function lifetime(chain: Chain, topology: Topology, providerSecs: number): number {
  const after = ['photo', 'camera move', 'order', 'collect', 'video'];
  const stages = chain.invocations.filter((one) => after.includes(one.what));
  const worked = stages.reduce((sum, one) => sum + secsOf(one, topology), 0);
  return worked + providerSecs + 3 * ASSUMED.hopSecs;
}

/** Pauses between the looks of jobs in a line: functions/ltx/src/ordering.rs, `order`. */
export function pauses(waiting: number, capacity: number): readonly number[] {
  return Array.from({ length: waiting }, (_, ahead) => {
    // Who finds the line full is told of as many as it has.
    const rounds = Math.floor(Math.min(ahead, LINE.places) / capacity);
    return Math.min(LINE.longestPauseSecs, 1 + rounds);
  });
}

/** How often a job is received that waits for so long before a provider, and is last when it comes. */
export function receptions(waitSecs: number, turns: Pick<Turns, 'capacity' | 'secs'>): number {
  const ahead = Math.floor((waitSecs * turns.capacity) / turns.secs);
  // It moves up by one place whenever a turn ends.
  return pauses(ahead, turns.capacity).reduce((sum, pause) => sum + turns.secs / turns.capacity / pause, 0);
}

/** After what time in the line a job has been received so often. */
export function receivedAfter(count: number, turns: Pick<Turns, 'capacity' | 'secs'>): number {
  let [low, high] = [0, LINE.longestPauseSecs * count];
  for (let round = 0; round < 60; round += 1) {
    const middle = (low + high) / 2;
    if (receptions(middle, turns) < count) low = middle;
    else high = middle;
  }
  return high;
}

/** What a line of so many does to the function that looks, and to the provider's turns. */
export interface Waiting {
  readonly waiting: number;
  readonly bytes: number;
  readonly lookSecs: number;
  /** What the function would need to look as often as jobs ask for. */
  readonly atOnce: number;
  /** What those looks would read of the line's one row, in a second. */
  readonly readUnits: number;
  /** What every look comes late by, because the function or the row has not that much to give. */
  readonly lateSecs: number;
  /** Share of its time that a turn is used. */
  readonly inUse: number;
}

/** A provider that takes `capacity` orders at once, for `secs` each, and is looked at every `pollSecs`. */
export interface Turns {
  readonly capacity: number;
  readonly secs: number;
  readonly pollSecs: number;
  /** What the function is busy with for the orders under way. */
  readonly busy: number;
}

/** A line of `waiting` jobs before a provider; `servers` are there to look. */
export function waitingInLine(waiting: number, turns: Turns, servers: number): Waiting {
  const bytes = lineBytes(turns.capacity, waiting, turns.capacity + Math.min(waiting, LINE.places));
  const lookSecs = waitingLook(bytes).secs + ASSUMED.secs.ourselves;
  const wished = pauses(waiting, turns.capacity);
  const atOnce = lookSecs * looksASecond(wished, 0);
  const reads = readUnits(bytes);
  const left = Math.max(servers - turns.busy, 0.01);
  const most = Math.min(left / lookSecs, QUOTAS.partitionReads.value / reads);
  const lateSecs = looksASecond(wished, 0) <= most ? 0 : lateness(wished, most);
  // A turn is held until a look finds the clip, and stays empty until the next in the line asks.
  const lost = (turns.pollSecs + lateSecs) / 2 + (1 + lateSecs) / 2;
  return { waiting, bytes, lookSecs, atOnce, readUnits: reads * looksASecond(wished, 0), lateSecs, inUse: turns.secs / (turns.secs + lost) };
}

function looksASecond(pauses: readonly number[], lateSecs: number): number {
  return pauses.reduce((sum, pause) => sum + 1 / (pause + lateSecs), 0);
}

/** By how much all looks come late if no more than `most` a second can be made. */
function lateness(pauses: readonly number[], most: number): number {
  let [low, high] = [0, pauses.length / most];
  for (let round = 0; round < 60; round += 1) {
    const middle = (low + high) / 2;
    if (looksASecond(pauses, middle) > most) low = middle;
    else high = middle;
  }
  return high;
}

/** How many are told, for each video. */
export const FACTS_TOLD = TOLD.length;
