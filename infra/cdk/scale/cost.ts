/** What one video costs, part by part. */

import type { Topology } from '../lib/topology.js';
import { isFed } from '../lib/topology.js';
import type { Chain, Invocation } from './chain.js';
import { type Deed, all, times } from './deeds.js';
import type { Stage } from '../lib/stage.js';
import { ASSUMED, BYTES, ROWS } from './measured.js';
import { PRICES } from './prices.js';
import { QUOTAS } from './quotas.js';

/** Processors of Lambda. */
export type Architecture = 'x86_64' | 'arm64';

/** Dollars by part. */
export type Parts = Readonly<Record<string, number>>;

const GB = 1e9;
const MB_OF_GB = 1024;
/** Temporary space that every function has. */
const FREE_TEMPORARY_MB = 512;
const DAYS_OF_MONTH = 365 / 12;

/** Seconds that work of so many seconds of one core takes with this memory. */
export function wallSecs(cpuSecs: number, memoryMb: number, threads: number): number {
  return cpuSecs / Math.min(memoryMb / QUOTAS.vcpuMb.value, threads);
}

/** Seconds that one such invocation runs. */
export function secsOf(invocation: Invocation, topology: Topology): number {
  const { memoryMb } = functionOf(topology, invocation.function);
  const waits = invocation.deeds.secs + ASSUMED.secs.ourselves;
  return waits + wallSecs(invocation.cpuSecs, memoryMb, invocation.threads);
}

/** A function of the topology. */
export function functionOf(topology: Topology, name: string) {
  const found = topology.functions[name];
  if (found === undefined) throw new Error(`the topology has no function "${name}", which the model of a video runs`);
  return found;
}

/** Seconds of a function for one video. */
export function secsFor(chain: Chain, topology: Topology, name: string): number {
  const its = chain.invocations.filter((one) => one.function === name);
  return its.reduce((sum, one) => sum + one.times * secsOf(one, topology), 0);
}

/** All requests of a video. */
export function requestsOf(chain: Chain): Deed {
  return all([chain.others, ...chain.invocations.map((one) => times(one.times, one.deeds))]);
}

/** How often functions run for one video. */
export function invocationsOf(chain: Chain): number {
  return chain.invocations.reduce((sum, one) => sum + one.times, 0);
}

/** What AWS charges for making the video: no storage, no transfer, no provider. */
export function making(chain: Chain, topology: Topology, architecture: Architecture): Parts {
  const perGbSecond = (architecture === 'arm64' ? PRICES.lambdaArm : PRICES.lambdaX86).value;
  const requests = requestsOf(chain);
  const runs = invocationsOf(chain);
  const [lambda, temporary] = [new Map<string, number>(), { dollars: 0 }];
  for (const one of chain.invocations) {
    const { memoryMb, temporaryMb = FREE_TEMPORARY_MB } = functionOf(topology, one.function);
    const secs = one.times * secsOf(one, topology);
    const part = ['ltx', 'render'].includes(one.function) ? `Lambda: ${one.function}` : 'Lambda: all others';
    lambda.set(part, (lambda.get(part) ?? 0) + secs * (memoryMb / MB_OF_GB) * perGbSecond);
    temporary.dollars += secs * ((temporaryMb - FREE_TEMPORARY_MB) / MB_OF_GB) * PRICES.lambdaTemporary.value;
  }
  const eventBytes = Object.values(ROWS.event).reduce((sum, bytes) => sum + bytes + ASSUMED.moreBytesOfEvent, 0);
  const calls = chain.invocations.filter((one) => !isFed(functionOf(topology, one.function).trigger));
  return {
    ...Object.fromEntries(lambda),
    'Lambda: requests, /tmp': runs * PRICES.lambdaRequest.value + temporary.dollars,
    'DynamoDB: writes': requests.writeUnits * PRICES.dynamoWrite.value,
    'DynamoDB: reads': requests.readUnits * PRICES.dynamoRead.value,
    'S3: requests': requests.s3Puts * PRICES.s3Put.value + requests.s3Gets * PRICES.s3Get.value,
    'SQS': requests.messages * PRICES.sqsRequest.value,
    'EventBridge': requests.events * PRICES.event.value + (eventBytes / GB) * PRICES.archiveIn.value,
    'API Gateway': calls.reduce((sum, one) => sum + one.times, 0) * PRICES.httpRequest.value,
    'Logs and traces': runs * ((ASSUMED.logBytes / GB) * PRICES.logs.value + ASSUMED.traced * PRICES.trace.value),
  };
}

/** What is kept of a video. */
const KEPT = {
  'uploads/': BYTES.upload,
  'photos/': BYTES.photo,
  'ltx-videos/': BYTES.clip,
  'renders/': BYTES.video + BYTES.poster,
} as const;

/** How long a stage keeps what. */
export type Keeps = Pick<Stage, 'expireAfterDays' | 'glacierAfterDays'>;

/** A class of storage and what it holds of one video. */
export interface Stored {
  readonly what: string;
  readonly megabytes: number;
  readonly standardMonths: number;
  readonly glacierMonths: number;
  readonly dollars: number;
}

/** What it costs to keep a video for so many months, as a stage keeps it. */
export function keeping(months: number, stage: Keeps): readonly Stored[] {
  const media = Object.entries(KEPT).map(([what, bytes]) => {
    const kept = Math.min(months, (stage.expireAfterDays[what] ?? Infinity) / DAYS_OF_MONTH);
    const standardMonths = Math.min(kept, (stage.glacierAfterDays[what] ?? Infinity) / DAYS_OF_MONTH);
    const glacierMonths = kept - standardMonths;
    const perMonth = standardMonths * PRICES.s3Storage.value + glacierMonths * PRICES.s3Glacier.value;
    const moved = glacierMonths > 0 ? PRICES.s3Transition.value : 0;
    return { what, megabytes: bytes / 1e6, standardMonths, glacierMonths, dollars: (bytes / GB) * perMonth + moved };
  });
  // Row, two entries of indexes, and facts; deliveries are forgotten after a month.
  const facts = Object.values(ROWS.event).reduce((sum, bytes) => sum + bytes + ASSUMED.moreBytesOfEvent, 0);
  const rows = 3 * (ROWS.job.rendered + ASSUMED.moreBytesOfJob) + facts + 2 * ROWS.attempt;
  const perMonth = PRICES.dynamoStorage.value + PRICES.dynamoRecovery.value;
  const row = { what: 'rows', megabytes: rows / 1e6, standardMonths: months, glacierMonths: 0, dollars: (rows / GB) * perMonth * months };
  return [...media, row];
}

/** Downloads of the video. */
export function transfer(views: number): number {
  return ((views * BYTES.video) / GB) * PRICES.transferOut.value;
}

/** Dollars of all parts. */
export function total(parts: Parts): number {
  return Object.values(parts).reduce((sum, dollars) => sum + dollars, 0);
}

/** What a stage costs a month with no video at all. */
export function standing(topology: Topology): Parts {
  const fed = Object.values(topology.functions).filter((one) => isFed(one.trigger)).length;
  // A poll lasts 20 s when nothing comes.
  const polls = fed * QUOTAS.idlePollers.value * 3 * 60 * 24 * DAYS_OF_MONTH;
  return {
    'Pollers of quiet queues': polls * PRICES.sqsRequest.value,
    'Alarms': (2 * Object.keys(topology.functions).length + 2 * fed + ASSUMED.otherAlarms) * PRICES.alarm.value,
    'Metrics of our own': ASSUMED.metrics * PRICES.metric.value,
    'Dashboard': PRICES.dashboard.value,
    'Key of the topic of alarms': PRICES.key.value,
    'Secrets': Object.keys(topology.secrets).length * PRICES.secret.value,
  };
}
