/** What may differ between stages. */

import type { RetentionDays } from 'aws-cdk-lib/aws-logs';

import type { Topology } from './topology.js';

/** Facts that are posted to n8n by EventBridge itself: see integrations/eventbridge/n8n.md. */
export interface N8n {
  /** The production URL of its webhook, https. */
  readonly url: string;
  /** Which facts. */
  readonly detailTypes: readonly string[];
  /** How many at most, in a second. */
  readonly perSecond: number;
}

/** From when on somebody is told. */
export interface Alarms {
  /** Who is told, beside those who subscribe to the topic. */
  readonly emails: readonly string[];
  /** Seconds that a message may wait to be taken from a queue, for each queue that feeds a function. */
  readonly oldestMessageSecs: Readonly<Record<string, number>>;
  /** Deliveries of records to a function that end in a fault, in fifteen minutes. */
  readonly failedRecords: number;
  /** Invocations of a function that fail, in five minutes. */
  readonly errors: number;
  /** Invocations of a function that are not begun, in five minutes. */
  readonly throttles: number;
  /** Requests that are answered with 5xx, in five minutes. */
  readonly serverErrors: number;
  /** What is spent on clips, in per cent of the tightest cap. */
  readonly spentPercent: number;
}

/** A stage, as plain data. */
export interface Stage {
  /** Its name: a letter, then up to eleven letters and digits, in lower case. */
  readonly name: string;
  /** What functions are built for: the packages have a folder for each. */
  readonly architecture: 'arm64' | 'x86_64';
  /** Whether it takes a second thought to delete it: stack and tables. */
  readonly isProtected: boolean;
  /** Whether buckets, tables, queues, bus and secrets stay when the stack is deleted. */
  readonly keepsData: boolean;
  /** Functions that it does without, and the queues and rules that feed them. */
  readonly without: readonly string[];
  /** Settings of functions, beside those that follow from the topology; docs/OPERATIONS.md has all. */
  readonly settings: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Origins whose pages may upload to the bucket and call the API. */
  readonly origins: readonly string[];
  /** Days after which objects under a prefix are deleted; a prefix that is not named keeps them. */
  readonly expireAfterDays: Readonly<Record<string, number>>;
  /** Days after which objects under a prefix move to Glacier Instant Retrieval. */
  readonly glacierAfterDays: Readonly<Record<string, number>>;
  /** Days for which all facts can be replayed. */
  readonly archiveDays: number;
  /** How long logs of functions and of the API are kept. */
  readonly logDays: RetentionDays;
  /** How long it is kept who used the bucket. */
  readonly accessLogDays: number;
  /** The API's requests, together. */
  readonly throttle: { readonly perSecond: number; readonly burst: number };
  readonly alarms: Alarms;
  /** What AWS may charge in a month, in dollars; somebody is told at 80 and 100 % of it. */
  readonly budgetUsd: number;
  /** Where facts are posted to; none: nowhere. */
  readonly n8n?: N8n;
}

/**
 * Checks what types cannot say of a stage.
 *
 * @throws if something about it makes no sense, with what and why.
 */
export function checkStage(stage: Stage, topology: Topology, longestRetentionSecs: number): void {
  const wrong = (what: string): never => {
    throw new Error(`stage "${stage.name}": ${what}`);
  };
  if (!/^[a-z][a-z0-9]{0,11}$/.test(stage.name))
    wrong('its name is not a letter and up to eleven letters and digits');
  for (const name of unknownNames(stage, topology))
    wrong(`it says something about ${name}, which the topology does not have`);
  const retentionDays = longestRetentionSecs / 86_400;
  for (const [prefix, days] of Object.entries(stage.expireAfterDays)) {
    // A message that is looked at on its last day is about an object that is still there.
    if (days <= retentionDays)
      wrong(`objects under ${prefix} expire while messages about them wait, for ${retentionDays} days`);
  }
  const reuseDays = Number(stage.settings['ltx']?.['REUSE_CLIPS_FOR_SECS'] ?? 30 * 86_400) / 86_400;
  const clipDays = stage.expireAfterDays['ltx-videos/'] ?? Infinity;
  if (clipDays <= reuseDays)
    wrong(
      `clips expire after ${clipDays} days, but are reused for ${reuseDays}: they would be paid for again`,
    );
  for (const origin of stage.origins) {
    if (new URL(origin).origin !== origin)
      wrong(`"${origin}" is not an origin, such as https://app.example.com`);
  }
  if (stage.n8n !== undefined && new URL(stage.n8n.url).protocol !== 'https:')
    wrong('the URL of n8n is not https');
}

/** Functions, queues and prefixes that a stage says something about and that are not there. */
function unknownNames(stage: Stage, { functions, queues }: Topology): string[] {
  const used = Object.values(functions).flatMap((it) => [...it.reads, ...it.writes, ...(it.deletes ?? [])]);
  const missing = (kind: string, names: Iterable<string>, known: readonly string[]) =>
    [...names].filter((name) => !known.includes(name)).map((name) => `${kind} ${name}`);
  return [
    ...missing('function', Object.keys(stage.settings), Object.keys(functions)),
    ...missing('queue', Object.keys(stage.alarms.oldestMessageSecs), Object.keys(queues)),
    ...missing('prefix', Object.keys({ ...stage.expireAfterDays, ...stage.glacierAfterDays }), used),
  ];
}

/** Addresses of a stage that are only examples: hosts below `.example` are nobody's (RFC 2606). */
export function examplesIn(stage: Stage): string[] {
  const texts = [
    ...stage.origins,
    ...stage.alarms.emails,
    ...(stage.n8n === undefined ? [] : [stage.n8n.url]),
    ...Object.values(stage.settings).flatMap((settings) => Object.values(settings)),
  ];
  return [...new Set(texts.filter((text) => /[@.]([a-z0-9-]+\.)*example(?=[/:]|$)/.test(text)))];
}
