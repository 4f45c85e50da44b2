/** Everything that ends somewhere, and at how many photos a day. */

import { type Topology, isFed } from '../lib/topology.js';
import type { Chain } from './chain.js';
import { functionOf, invocationsOf, requestsOf, secsFor } from './cost.js';
import type { Stage } from '../lib/stage.js';
import { demand, FACTS_TOLD, lifetime, photosADay } from './load.js';
import { ASSUMED, LINE } from './measured.js';
import { QUOTAS } from './quotas.js';
import type { Provider } from './registry.js';
import { SHARED, lineBytes } from './rows.js';
import { mostUploads } from './sweep.js';

/** A limit, and what is done when it is met. */
export interface Wall {
  readonly name: string;
  /** Photos a day; with the highest hour taken into account. */
  readonly photos: number;
  readonly then: string;
  /** Whether only jobs of a paid provider meet it. */
  readonly isPaid?: boolean;
}

/** Attempts that one receiver is posted at once: functions/deliver/src/breaker.rs, `PLACES`. */
const PLACES = 4;

/** What a video needs, to be seen from the walls. */
export interface Videos {
  readonly topology: Topology;
  readonly stage: Stage;
  readonly camera: Chain;
  readonly paid: Chain;
  readonly provider: Provider;
}

/** All walls, the nearest first. */
export function walls(videos: Videos): readonly Wall[] {
  const all = [...lambdaWalls(videos), ...partitionWalls(videos), ...designWalls(videos), ...serviceWalls(videos)];
  return all.sort((a, b) => a.photos - b.photos);
}

/** A rate that is `limit` for one video of which `perVideo` are taken. */
const ofRate = (limit: number, perVideo: number) => photosADay(limit / perVideo);

function lambdaWalls({ topology, camera, paid, provider }: Videos): Wall[] {
  const names = Object.keys(topology.functions);
  const slots = (chain: Chain) => names.reduce((sum, name) => sum + demand(chain, topology, name, 1).atOnce, 0);
  const watched = slots(camera) + lifetime(camera, topology, 0);
  const mappings = names.flatMap((name): Wall[] => {
    const { trigger } = functionOf(topology, name);
    const secs = secsFor(camera, topology, name);
    if (!isFed(trigger) || secs === 0) return [];
    const then = `raise \`maximumConcurrency\` of \`${name}\` in the topology`;
    return [{ name: `\`${name}\`: ${trigger.maximumConcurrency} at once, as the topology has it`, photos: ofRate(trigger.maximumConcurrency, secs), then }];
  });
  const most = names.filter((name) => isFed(functionOf(topology, name).trigger))
    .map((name) => ({ name, secs: secsFor(camera, topology, name) }))
    .reduce((a, b) => (a.secs >= b.secs ? a : b));
  return [
    ...mappings,
    {
      name: `Lambda: ${QUOTAS.newConcurrency.value} at once (new accounts)`,
      photos: ofRate(QUOTAS.newConcurrency.value, slots(camera)),
      then: 'ask for 1,000 (L-B99A9384)',
    },
    {
      name: 'Lambda: 1,000 at once',
      photos: ofRate(QUOTAS.concurrency.value, slots(camera)),
      then: 'ask for more (L-B99A9384)',
    },
    {
      name: 'Lambda: 1,000 at once, every job watched through `api`',
      photos: ofRate(QUOTAS.concurrency.value, watched),
      then: 'watch the Supabase row instead, or ask from time to time',
    },
    {
      name: `Lambda: invocations a second, ${QUOTAS.newConcurrency.value} at once`,
      photos: ofRate(QUOTAS.newConcurrency.value * QUOTAS.invocationsPerConcurrency.value, invocationsOf(paid)),
      then: 'ask for 1,000 (L-B99A9384)',
      isPaid: true,
    },
    {
      name: `Lambda: 1,000 at once from one queue (\`${most.name}\`)`,
      photos: ofRate(QUOTAS.mappingMost.value, most.secs),
      then: 'more memory (the work is CPU), then a second queue',
    },
    ...(provider.concurrency === undefined ? [] : [{
      name: `${provider.name}: ${provider.concurrency} orders at once`,
      photos: ofRate(provider.concurrency, turnSecs(provider)),
      then: 'a higher tier, or a provider without a limit beside it',
      isPaid: true,
    }]),
  ];
}

/** Seconds that an order keeps a turn: filmed, found done, collected. */
export function turnSecs(provider: Provider): number {
  return ASSUMED.providerSecs + provider.pollEverySecs / 2 + 2;
}

function partitionWalls({ camera, paid }: Videos): Wall[] {
  const limit = QUOTAS.partitionWrites.value;
  const [free, all] = [requestsOf(camera).shared, requestsOf(paid).shared];
  const remedies: Readonly<Record<string, string>> = {
    [SHARED.unpublished]: 'split it: `unpublished` = `yes#0` … `yes#15`, by job; the sweep asks all of them',
    [SHARED.owner]: 'none needed: only where one owner has all jobs',
    [SHARED.day]: 'split it by hour; `costs` asks 24 of them',
    [SHARED.endpoint]: 'keep the body out of the index (project keys)',
    [SHARED.breaker]: 'write it on a change of health alone',
  };
  return Object.keys(all)
    .filter((name) => name !== SHARED.line)
    .map((name) => ({
      name: `DynamoDB: ${name}`,
      photos: ofRate(limit, all[name]!),
      then: remedies[name] ?? (name.startsWith('accounts') ? 'shards of the row, each with its part of the limit' : 'split it by job'),
      ...(name in free ? {} : { isPaid: true }),
    }));
}

function designWalls({ topology, stage, camera, provider }: Videos): Wall[] {
  const sweep = functionOf(topology, 'sweep');
  const turns = turnSecs(provider);
  const entry = LINE.place + LINE.user;
  const post = ASSUMED.secs.receiver + 2 * ASSUMED.secs.transaction + 2 * (ASSUMED.secs.read + ASSUMED.secs.write);
  const changes = 2; // a turn is taken, and given back
  return [
    {
      name: `\`sweep\`: all uploads of ${uploadDays(stage)} days within its ${sweep.timeoutSecs} s`,
      photos: mostUploads(sweep.timeoutSecs) / uploadDays(stage),
      then: 'let it remember where it stopped, or look at young uploads alone',
    },
    ...capWalls(stage, provider),
    {
      name: `one endpoint: ${PLACES} posts at once, told of ${FACTS_TOLD} facts a video`,
      photos: ofRate(PLACES, FACTS_TOLD * post),
      then: 'let an endpoint have more places; a house takes the API destination',
    },
    {
      name: 'one endpoint: its breaker, read and written by one after the other',
      photos: ofRate(1, FACTS_TOLD * 2 * (ASSUMED.secs.read + ASSUMED.secs.write)),
      then: 'write it on a change of health alone, count places elsewhere',
    },
    {
      name: 'accounts of day and month: a row that a transaction holds for 10 ms',
      photos: ofRate(1, ASSUMED.transactionHoldsSecs),
      then: 'shards of the row, each with its part of the limit',
      isPaid: true,
    },
    {
      name: `the line before ${provider.name}: writes of the one row`,
      photos: photosADay(Math.sqrt((QUOTAS.partitionWrites.value * 1024) / (changes * entry * turns))),
      then: 'a line for each of several keys of the provider',
      isPaid: true,
    },
    {
      name: `the line before ${provider.name}: 400 KiB of a row`,
      photos: ofRate(Math.floor((QUOTAS.itemBytes.value - lineBytes(0, LINE.places, LINE.places)) / entry), turns),
      then: 'a line for each of several keys of the provider',
      isPaid: true,
    },
    {
      name: 'DynamoDB: a new table of jobs, all at once',
      photos: ofRate(QUOTAS.newTableWrites.value, requestsOf(camera).tables['jobs']!),
      then: 'warm throughput before the first day; it grows by itself',
    },
    {
      name: 'SQS: messages in flight in `ltx`',
      photos: ofRate(QUOTAS.inFlight.value, ASSUMED.providerSecs),
      then: 'a queue for each provider',
      isPaid: true,
    },
  ];
}

/** For how long a stage keeps uploads. */
export function uploadDays(stage: Stage): number {
  const days = stage.expireAfterDays['uploads/'];
  if (days === undefined) throw new Error(`stage ${stage.name} keeps uploads for ever: the sweep would take longer every day`);
  return days;
}

/** What the stage itself allows to be spent. */
function capWalls(stage: Stage, provider: Provider): Wall[] {
  const caps = [['CAP_DAY_USD', 1], ['CAP_MONTH_USD', 365 / 12]] as const;
  return caps.flatMap(([name, days]) => {
    const cap = Number(stage.settings['ltx']?.[name]);
    if (Number.isNaN(cap)) return [];
    const then = 'raise it in `lib/stages.ts`, if it is meant to be spent';
    return [{ name: `stage ${stage.name}: ${name} of ${cap.toLocaleString('en-US')}`, photos: cap / days / provider.dollars, then, isPaid: true }];
  });
}

function serviceWalls({ stage, camera, paid }: Videos): Wall[] {
  const requests = requestsOf(paid);
  const told = FACTS_TOLD * 2;
  return [
    { name: 'EventBridge: PutEvents', photos: ofRate(QUOTAS.putEvents.value, requests.events), then: 'ask for more' },
    { name: 'EventBridge: invocations of targets', photos: ofRate(QUOTAS.eventInvocations.value, told), then: 'ask for more' },
    { name: 'EventBridge: the same in eu-central-1', photos: ofRate(QUOTAS.eventInvocationsFrankfurt.value, told), then: 'ask for more' },
    { name: 'S3: puts under one prefix', photos: ofRate(QUOTAS.s3Puts.value, 1), then: 'nothing: prefixes split by themselves' },
    { name: 'S3: all reads, were they under one prefix', photos: ofRate(QUOTAS.s3Gets.value, requests.s3Gets), then: 'nothing: prefixes split by themselves', isPaid: true },
    {
      name: `stage ${stage.name}: the API's throttle of ${stage.throttle.perSecond} requests a second`,
      photos: ofRate(stage.throttle.perSecond, calls(camera)),
      then: 'raise it in `lib/stages.ts`',
    },
    ...(stage.n8n === undefined ? [] : [{
      name: `stage ${stage.name}: n8n, posted ${stage.n8n.perSecond} events a second`,
      photos: ofRate(stage.n8n.perSecond, 1),
      then: 'raise it, if n8n can do with more; what comes too fast waits, for a day at most',
    }]),
    { name: 'API Gateway: requests', photos: ofRate(QUOTAS.httpRequests.value, calls(camera)), then: 'ask for more (L-8A5B8E43)' },
  ];
}

function calls(chain: Chain): number {
  return chain.invocations.filter((one) => one.function === 'api').reduce((sum, one) => sum + one.times, 0);
}
