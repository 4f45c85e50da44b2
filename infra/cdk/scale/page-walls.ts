/** The sections about what gives way, in which order, and what to do. */

import { type Topology, isFed } from '../lib/topology.js';

import { type Basis, withMemory, yearOf } from './basis.js';
import type { Chain } from './chain.js';
import { type Architecture, making, secsFor, standing, total, transfer } from './cost.js';
import { FACTS_TOLD, VOLUMES, demand, peakRate } from './load.js';
import { ASSUMED } from './measured.js';
import { QUOTAS } from './quotas.js';
import { digits, dollars, perDay, table, whole } from './text.js';
import { type Wall, turnSecs, walls } from './walls.js';

/** The nearest walls of free jobs and of paid ones. */
function nearest(basis: Basis, isPaid: boolean): readonly Wall[] {
  return walls({ ...basis, provider: basis.ltx }).filter((wall) => isPaid || wall.isPaid !== true);
}

/** What most come for, first. */
export function answer(basis: Basis): string {
  const { topology, stage, camera, paid, ltx } = basis;
  const make = (chain: Chain, architecture: Architecture) => dollars(total(making(chain, topology, architecture)));
  const year = yearOf(stage);
  const share = ltx.dollars / (ltx.dollars + total(making(paid, topology, 'x86_64')));
  return [
    `- **One video with the camera move** costs about ${make(camera, 'x86_64')} to make on x86_64, ${make(camera, 'arm64')} on`,
    `  arm64; ${dollars(year)} more to keep for a year, ${dollars(transfer(ASSUMED.views))} to be downloaded ${ASSUMED.views} times.`,
    `- **With LTX** (${ltx.model}, ${ltx.clipSecs} s, ${ltx.resolution}): ${dollars(ltx.dollars)} to LTX and ${make(paid, 'x86_64')} to AWS to make it.`,
    `  LTX is ${digits(share * 100, 3)} % of it.`,
    `- **A stage costs** ${dollars(total(standing(topology)))} a month when nothing happens.`,
    '- **Up to 1,000 photos a day**, camera move:',
    ...met(basis, false, 0, 1_000),
    '- **Up to 1,000**, LTX:',
    ...met(basis, true, 0, 1_000),
    '- **On the way to 100,000**, camera move:',
    ...met(basis, false, 1_000, 100_000),
    '- **On the way to 1,000,000**, camera move:',
    ...met(basis, false, 100_000, 1_000_000),
  ].join('\n');
}

/** The walls between two numbers of photos a day, in their order. */
function met(basis: Basis, isPaid: boolean, from: number, to: number): readonly string[] {
  const those = nearest(basis, isPaid).filter((wall) => wall.photos > from && wall.photos <= to);
  if (those.length === 0) return ['  - nothing is in the way, not even in an account that may run 10 functions at once'];
  return those.map((wall) => `  - ${perDay(wall.photos)}: ${wall.name}`);
}

/** Beyond this, a wall is somebody else's worry. */
const FAR = 20e6;

/** All walls, the nearest first. */
export function wallsOf(basis: Basis): string {
  const all = walls({ ...basis, provider: basis.ltx });
  const near = all.filter((wall) => wall.photos < FAR);
  // Of partitions with the same number of photos one stands for all.
  const seen = new Set<string>();
  const rows = near.flatMap((wall) => {
    const isState = wall.name.includes('by-state');
    const id = isState ? `by-state ${whole(wall.photos)}` : wall.name;
    if (seen.has(id)) return [];
    seen.add(id);
    const name = isState ? wall.name.replace(/partition ".*"/, 'the partition of a state') : wall.name;
    return [[perDay(wall.photos).replace(' a day', ''), wall.isPaid === true ? `${name} (LTX)` : name, wall.then]];
  });
  const far = all.filter((wall) => wall.photos >= FAR).map((wall) => `${wall.name} (${whole(wall.photos / 1e6)} million)`);
  return `${table(['photos a day', 'what is met', 'what to do'], rows, false)}\n\nFurther away than ${whole(FAR / 1e6)} million: ${far.join('; ')}.`;
}

/** What to raise and to change, in its order. */
export function order(basis: Basis): string {
  const [, hundred, million] = VOLUMES;
  const { topology, camera, ltx } = basis;
  const under = (photos: number) => whole(peakRate(photos) * turnSecs(ltx));
  // Two vCPUs: more would not be used.
  const memoryMb = 2 * QUOTAS.vcpuMb.value;
  const quicker = withMemory(topology, 'ltx', memoryMb);
  const needed = atOnce(basis, quicker, million);
  const before = whole(demand(camera, topology, 'ltx', peakRate(million)).atOnce);
  const filmed = whole(secsFor(camera, quicker, 'ltx'));
  return [
    '**1,000 a day.** Nothing for the camera move; in a new account see [Ten at once](#ten-at-once). With LTX: caps that are meant,',
    'and a maximum of `ltx` that leaves room for looks, see [A line before a provider](#a-line-before-a-provider).',
    '',
    `**${whole(hundred)} a day**, in this order:`,
    '',
    `1. Lambda: 1,000 at once (Service Quotas, *Concurrent executions*, L-B99A9384); ${whole(atOnce(basis, topology, hundred))} are needed.`,
    `2. \`maximumConcurrency\` in the topology: ${tooSmall(basis, topology, hundred)}.`,
    '3. The sweep must not look at every upload there is: remember where it stopped, or have an index of uploads without a job.',
    '4. Progress from the Supabase row (Realtime), or by asking from time to time: no watching through `api`.',
    '5. An endpoint that is told of everything needs more places at once, or becomes the API destination.',
    `6. A paid provider: a tier with ${under(hundred)} orders at once, or several keys; the line before it is then near its limit.`,
    '',
    `**${whole(million)} a day:**`,
    '',
    `1. \`ltx\` would need ${before} at once, more than the ${whole(QUOTAS.mappingMost.value)} that a mapping can have. With ${whole(memoryMb)} MB it films in ${filmed} s, at the same`,
    '   price; else the camera move gets a queue and a function of its own.',
    `2. Lambda: ${whole(Math.ceil(needed / 750) * 1_000)} at once; ${whole(needed)} are needed then.`,
    `3. \`maximumConcurrency\`: ${tooSmall(basis, quicker, million)}.`,
    '4. Shards of what all jobs write: index `unpublished`, the rows of `accounts` for day and month; of `by-endpoint` and the breaker',
    '   where one endpoint is told of everything.',
    '5. Warm throughput of the tables before the first such day.',
    `6. A line before a provider cannot hold ${under(million)} orders under way: a line, and a key, for each part of them.`,
    `7. Supabase: ${whole(peakRate(million) * FACTS_TOLD)} writes a second to one table. What that takes was not looked into.`,
  ].join('\n');
}

/** A maximum that leaves a quarter free, in round numbers. */
function roomy(atOnce: number): number {
  const wanted = Math.max(2, Math.ceil(atOnce / 0.75));
  const step = 10 ** Math.max(0, Math.floor(Math.log10(wanted)) - 1) * 5;
  return wanted < 10 ? wanted : Math.ceil(wanted / step) * step;
}

/** Mappings whose maximum is too small at so many photos a day, and what it should be. */
function tooSmall({ camera }: Basis, topology: Topology, photos: number): string {
  const wanted = Object.entries(topology.functions).flatMap(([name, { trigger }]) => {
    if (!isFed(trigger)) return [];
    const maximum = roomy(demand(camera, topology, name, peakRate(photos)).atOnce);
    return maximum > trigger.maximumConcurrency ? [`\`${name}\` ${whole(maximum)}`] : [];
  });
  return wanted.join(', ');
}

/** All functions at once in the highest hour. */
function atOnce({ camera }: Basis, topology: Topology, photos: number): number {
  return Object.keys(topology.functions).reduce((sum, name) => sum + demand(camera, topology, name, peakRate(photos)).atOnce, 0);
}
