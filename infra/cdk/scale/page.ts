/** The sections of `docs/SCALE.md` that are reckoned. */

import { isFed, isScheduled, readTopology } from '../lib/topology.js';
import type { Topology } from '../lib/topology.js';
import type { Stage } from '../lib/stage.js';
import { stages } from '../lib/stages.js';
import { type Chain, type Wish, chainOf } from './chain.js';
import { type Architecture, type Keeps, type Parts, functionOf, invocationsOf, keeping, making, requestsOf, secsFor, secsOf, standing, total, transfer } from './cost.js';
import type { Figure, Grade } from './figure.js';
import { FACTS_TOLD, VOLUMES, type Wait, demand, lifetime, peakRate, photosADay, receivedAfter, waitBefore, waitingInLine } from './load.js';
import { ASSUMED, BYTES, cpuSecs, fileOf } from './measured.js';
import { PRICES } from './prices.js';
import { QUOTAS } from './quotas.js';
import { type Provider, readProviders } from './registry.js';
import { mostUploads, stateSecs, ROWS_OF_STATE, uploadsDollars, uploadsSecs } from './sweep.js';
import { bars, digits, dollars, table, time, whole } from './text.js';
import { type Wall, turnSecs, uploadDays, walls } from './walls.js';

/** What the page is made of. */
export interface Basis {
  readonly topology: Topology;
  /** How media is kept, and what may be spent. */
  readonly stage: Stage;
  readonly providers: readonly Provider[];
  readonly ltx: Provider;
  readonly camera: Chain;
  readonly paid: Chain;
  readonly cpu: Wish['cpu'];
}

/** Reads topology, registry and measurements. */
export function readBasis(): Basis {
  const results = fileOf('bench/RESULTS.md');
  const cpu = {
    ingest: cpuSecs(results, 'ingest'),
    ltx: cpuSecs(results, 'ltx (camera move)'),
    render: cpuSecs(results, 'render'),
  };
  const providers = readProviders(fileOf('crates/providers/registry.toml'));
  const ltx = providers.find((provider) => provider.name === 'ltx');
  if (ltx === undefined) throw new Error('registry: there is no provider "ltx"');
  const [camera, paid] = [chainOf({ endpoints: 1, cpu }), chainOf({ endpoints: 1, cpu, provider: ltx })];
  return { topology: readTopology(), stage: stages.prod, providers, ltx, camera, paid, cpu };
}

/** All sections, by name. */
export function sections(basis: Basis): Readonly<Record<string, string>> {
  return {
    answer: answer(basis),
    video: video(basis),
    chart: chart(basis),
    providers: offers(basis),
    requests: requests(basis),
    time: times(basis),
    keeping: kept(basis),
    standing: standingOf(basis),
    volumes: volumes(basis),
    functions: functions(basis),
    units: units(basis),
    walls: wallsOf(basis),
    order: order(basis),
    line: lines(basis),
    sweep: sweeps(basis),
    ten: ten(basis),
    starved: starved(basis),
    watching: watching(basis),
    prices: figures(PRICES, dollarsOf),
    quotas: figures(QUOTAS, (figure) => `${whole(figure.value)} ${figure.unit}`),
  };
}

const MB_OF_GB = 1024;
const MONTHS = 12;
const yearOf = (keeps: Keeps) => keeping(MONTHS, keeps).reduce((sum, one) => sum + one.dollars, 0);

/** The nearest walls of free jobs and of paid ones. */
function nearest(basis: Basis, isPaid: boolean): readonly Wall[] {
  return walls({ ...basis, provider: basis.ltx }).filter((wall) => isPaid || wall.isPaid !== true);
}

function answer(basis: Basis): string {
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
    `- **At 1,000 photos a day**, camera move: ${inOneLine(basis, false, 0, 1_000)}. With LTX: ${inOneLine(basis, true, 0, 1_000)}.`,
    '- **On the way to 100,000**, camera move:',
    ...met(basis, false, 1_000, 100_000).map(([photos, name]) => `  - ${photos}: ${name}`),
    '- **On the way to 1,000,000**, camera move:',
    ...met(basis, false, 100_000, 1_000_000).map(([photos, name]) => `  - ${photos}: ${name}`),
  ].join('\n');
}

/** The walls between two numbers of photos a day, in their order. */
function met(basis: Basis, isPaid: boolean, from: number, to: number): readonly (readonly [string, string])[] {
  const those = nearest(basis, isPaid).filter((wall) => wall.photos > from && wall.photos <= to);
  return those.map((wall) => [perDay(wall.photos), wall.name]);
}

function inOneLine(basis: Basis, isPaid: boolean, from: number, to: number): string {
  const all = met(basis, isPaid, from, to).map(([photos, name]) => `${name} (${photos})`);
  return all.length === 0 ? 'nothing is in the way, not even in an account that may run 10 functions at once' : all.join('; ');
}

const perDay = (photos: number) => `${whole(Number(photos.toPrecision(2)))} a day`;

function video({ topology, camera, paid }: Basis): string {
  const columns = [camera, paid].flatMap((chain) => [making(chain, topology, 'x86_64'), making(chain, topology, 'arm64')]);
  const sum = columns.map(total);
  const names = [...Object.keys(columns[0]!)].sort((a, b) => columns[0]![b]! - columns[0]![a]!);
  const rows = names.map((name) => [name, ...columns.map((parts) => micro(parts[name] ?? 0))]);
  const head = ['part, in millionths of a dollar', 'camera move, x86_64', 'arm64', 'LTX, x86_64', 'arm64'];
  return table(head, [...rows, ['**made**', ...sum.map((one) => `**${micro(one)}**`)]]);
}

const micro = (value: number) => whole(value * 1e6);

function chart({ topology, stage, camera }: Basis): string {
  const parts = making(camera, topology, 'x86_64');
  const all: Parts = { ...parts, 'Kept for a year': yearOf(stage), [`Downloaded ${ASSUMED.views} times`]: transfer(ASSUMED.views) };
  const sorted = Object.fromEntries(Object.entries(all).sort(([, a], [, b]) => b - a));
  return bars(sorted, (value) => `$${value.toFixed(5)}`);
}

function offers({ topology, providers, cpu, camera }: Basis): string {
  const free = total(making(camera, topology, 'x86_64'));
  const rows = providers.map((provider) => {
    const aws = total(making(chainOf({ endpoints: 1, cpu, provider }), topology, 'x86_64'));
    const clip = `${provider.model}, ${provider.clipSecs} s, ${provider.resolution}`;
    return [provider.name, clip, dollars(provider.dollars), dollars(aws), dollars(provider.dollars + aws), `${provider.concurrency ?? 'not said'}`];
  });
  const head = ['provider', 'first offer of its default model', 'provider', 'AWS', 'together', 'orders at once'];
  return table(head, [['camera move', '6 s, 1920x1080', '0', dollars(free), dollars(free), 'no limit'], ...rows]);
}

function requests({ camera, paid, cpu }: Basis): string {
  const [a, b] = [requestsOf(camera), requestsOf(paid)];
  const untold = requestsOf(chainOf({ endpoints: 0, cpu }));
  const share = 1 - untold.writeUnits / a.writeUnits;
  const row = (name: string, of: (one: typeof a) => number) => [name, whole(of(a)), whole(of(b))];
  const rows = table(['for one video', 'camera move', 'LTX'], [
    ['functions run', whole(invocationsOf(camera)), whole(invocationsOf(paid))],
    row('S3: put', (one) => one.s3Puts),
    row('S3: get and head', (one) => one.s3Gets),
    row('SQS: sent, received, hidden, removed', (one) => one.messages),
    row('EventBridge: events published', (one) => one.events),
    row('DynamoDB: get, query', (one) => one.gets + one.queries),
    row('DynamoDB: put, update', (one) => one.puts + one.updates),
    row('DynamoDB: transactions', (one) => one.transactions),
    row('DynamoDB: read units', (one) => one.readUnits),
    row('DynamoDB: write units', (one) => one.writeUnits),
  ]);
  return [
    rows,
    '',
    `Each webhook endpoint that is told of everything is ${whole(share * 100)} % of the write units of a camera move: the log of deliveries, its two`,
    'indexes, which hold the whole body, and the breaker of the endpoint.',
  ].join('\n');
}

function times({ topology, camera, paid, cpu }: Basis): string {
  const row = (chain: Chain, name: string, what: string, core: number) => {
    const one = chain.invocations.find((it) => it.function === name && it.what === what)!;
    const { memoryMb } = functionOf(topology, name);
    return [`\`${name}\`, ${what}`, whole(memoryMb), core === 0 ? '' : `${core} s`, `${digits(secsOf(one, topology), 3)} s`, `${one.times}`];
  };
  return table(['', 'MB', 'CPU measured or assumed', 'on Lambda', 'times'], [
    row(camera, 'api', 'upload intent', 0),
    row(camera, 'ingest', 'photo', cpu.ingest),
    row(camera, 'ltx', 'camera move', cpu.ltx),
    row(paid, 'ltx', 'order', 0),
    row(paid, 'ltx', 'look', 0),
    row(paid, 'ltx', 'collect', ASSUMED.rewrapCpuSecs),
    row(camera, 'render', 'video', cpu.render),
    row(camera, 'notify', 'Rendered', 0),
    row(camera, 'supabase', 'Rendered', 0),
    row(camera, 'deliver', 'Rendered', 0),
  ]);
}

function kept({ stage }: Basis): string {
  const year = keeping(MONTHS, stage);
  const rows = year.map((one) => [
    one.what === 'rows' ? one.what : `\`${one.what}\``, digits(one.megabytes), digits(one.standardMonths), one.glacierMonths > 0 ? digits(one.glacierMonths) : '', micro(one.dollars),
  ]);
  const head = ['kept for a year', 'MB', 'months in Standard', 'in Glacier Instant Retrieval', 'millionths of a dollar'];
  const days = stage.glacierAfterDays['photos/'] ?? 90;
  const cold = { ...stage, glacierAfterDays: { 'photos/': days, 'ltx-videos/': days, 'renders/': days } };
  return [
    table(head, [...rows, ['**together**', '', '', '', `**${micro(yearOf(stage))}**`]]),
    '',
    `Clips and videos are most of it. Were they moved after ${days} days as photos are, it would be ${micro(yearOf(cold))}.`,
  ].join('\n');
}

function standingOf({ topology }: Basis): string {
  const parts = standing(topology);
  const rows = Object.entries(parts).map(([name, value]) => [name, dollars(value)]);
  return table(['a month, with no video', ''], [...rows, ['**together**', `**${dollars(total(parts))}**`]]);
}

function volumes(basis: Basis): string {
  const { topology, stage, camera, paid, ltx } = basis;
  const row = (name: string, of: (photos: number) => string) => [name, ...VOLUMES.map(of)];
  const [free, bought] = [requestsOf(camera), requestsOf(paid)];
  const cost = (chain: Chain, photos: number) => {
    return photos * (total(making(chain, topology, 'x86_64')) + yearOf(stage) + transfer(ASSUMED.views)) + total(standing(topology)) / 30;
  };
  const rate = (photos: number, perVideo: number) => digits(peakRate(photos) * perVideo, 3);
  return table(['in the highest hour, a second', ...VOLUMES.map((photos) => `${whole(photos)} a day`)], [
    row('photos', (photos) => rate(photos, 1)),
    row('functions run, camera move', (photos) => rate(photos, invocationsOf(camera))),
    row('functions run, LTX', (photos) => rate(photos, invocationsOf(paid))),
    row('S3 puts', (photos) => rate(photos, free.s3Puts)),
    row('S3 reads, LTX', (photos) => rate(photos, bought.s3Gets)),
    row('SQS requests, LTX', (photos) => rate(photos, bought.messages)),
    row('events', (photos) => rate(photos, free.events)),
    row('DynamoDB write units', (photos) => rate(photos, free.writeUnits)),
    row('LTX orders under way', (photos) => rate(photos, turnSecs(ltx))),
    ['**a day**', '', '', ''],
    row('AWS, camera move, kept for a year', (photos) => dollars(cost(camera, photos))),
    row('LTX', (photos) => dollars(photos * ltx.dollars)),
    row('AWS beside it', (photos) => dollars(cost(paid, photos))),
    row('the sweep, as far as it comes', (photos) => dollars(sweeping(basis, photos) / 30)),
    row('stored more each day', (photos) => `${digits((photos * (BYTES.photo + BYTES.clip + BYTES.video + BYTES.poster)) / 1e9)} GB`),
  ]);
}

/** What the sweep's look at uploads costs a month; after its time-out it costs no more. */
function sweeping({ topology, stage }: Basis, photos: number): number {
  const { timeoutSecs, trigger, memoryMb } = functionOf(topology, 'sweep');
  const uploads = Math.min(photos * uploadDays(stage), mostUploads(timeoutSecs));
  return uploadsDollars(uploads, isScheduled(trigger) ? trigger.everySecs : timeoutSecs, memoryMb);
}

function said(wait: Wait | undefined, runsOfVideo: number): string {
  if (wait === undefined) return '';
  if (wait.behind === undefined) return time(wait.meanSecs ?? 0);
  const behind = `${whole(wait.behind.runs / runsOfVideo)} behind, ${time(wait.behind.lastWaitsSecs)}`;
  return wait.isHopeless ? `${behind}, for ever` : behind;
}

function functions({ topology, camera, paid }: Basis): string {
  const rows = Object.keys(topology.functions).flatMap((name) => {
    const { trigger } = functionOf(topology, name);
    return [['camera move', camera], ['LTX', paid]].flatMap(([which, chain]) => {
      const its = chain as Chain;
      const isSame = chain === paid && secsFor(paid, topology, name) === secsFor(camera, topology, name);
      if (secsFor(its, topology, name) === 0 || isSame) return [];
      const shown = secsFor(camera, topology, name) === secsFor(paid, topology, name) ? `\`${name}\`` : `\`${name}\`, ${which as string}`;
      const cells = VOLUMES.flatMap((photos) => {
        const rate = peakRate(photos);
        const { runs, atOnce } = demand(its, topology, name, rate);
        return [digits(atOnce), said(waitBefore(its, topology, name, rate), runs / rate)];
      });
      return [[shown, isFed(trigger) ? `${trigger.maximumConcurrency}` : '', ...cells]];
    });
  });
  const head = ['', 'maximum in the topology', ...VOLUMES.flatMap((photos) => [`at ${whole(photos)}: at once`, 'wait'])];
  return table(head, rows);
}

function units({ camera, paid }: Basis): string {
  const [free, all] = [requestsOf(camera).shared, requestsOf(paid).shared];
  const rows = Object.entries(all).sort(([, a], [, b]) => b - a).map(([name, perVideo]) => {
    const share = VOLUMES.map((photos) => `${digits(((peakRate(photos) * perVideo) / QUOTAS.partitionWrites.value) * 100)} %`);
    return [name in free ? name : `${name} (LTX)`, whole(perVideo), ...share];
  });
  const head = ['partition that jobs share', 'write units a video', ...VOLUMES.map((photos) => `of ${whole(QUOTAS.partitionWrites.value)} at ${whole(photos)} a day`)];
  return table(head, rows);
}

/** Beyond this, a wall is somebody else's worry. */
const FAR = 20e6;

function wallsOf(basis: Basis): string {
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

function order(basis: Basis): string {
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

/** Jobs in the line that the page looks at, and functions that are there to look. */
const LINES = [100, 1_000, 3_000, 10_000] as const;
const SERVERS = [2, 10] as const;

function lines({ topology, stage, paid, ltx }: Basis): string {
  const capacity = ltx.concurrency ?? 1;
  const busy = (capacity / turnSecs(ltx)) * secsFor(paid, topology, 'ltx');
  const turns = { capacity, secs: turnSecs(ltx), pollSecs: ltx.pollEverySecs, busy };
  const enough = LINES.filter((waiting) => waitingInLine(waiting, turns, SERVERS[1]).lateSecs === 0);
  const rows = LINES.map((waiting) => {
    const [few, many] = SERVERS.map((servers) => waitingInLine(waiting, turns, servers));
    return [
      whole(waiting), `${digits(few!.bytes / 1024)} KiB`, digits(few!.atOnce), ...[few!, many!].flatMap((it) => [time(it.lateSecs), `${whole(it.inUse * 100)} %`]),
    ];
  });
  const { maxReceiveCount = 0 } = topology.queues['ltx']!;
  const patience = Number(stage.settings['sweep']?.['GIVE_UP_AFTER_SECS']);
  const filmed = (86_400 / turns.secs) * capacity;
  const head = ['jobs that wait', 'size of the line', 'looks at once', ...SERVERS.flatMap((servers) => [`late, maximum ${servers}`, 'turns in use'])];
  return [
    table(head, rows),
    '',
    `A maximum of ${SERVERS[1]} is enough for ${whole(Math.max(0, ...enough))} who wait.`,
    '',
    `LTX with ${capacity} at once films ${whole(filmed)} clips a day. What waits longer than the sweep's patience (\`GIVE_UP_AFTER_SECS\`, ${time(patience)}`,
    `in stage ${stage.name}) ends as failed, so a line of more than ${whole((filmed * patience) / 86_400)} jobs is in vain. Before that, after ${time(receivedAfter(maxReceiveCount, turns))} in the`,
    `line, a job's message has been received ${whole(maxReceiveCount)} times, which is the limit of queue \`ltx\`: SQS moves it to the dead-letter`,
    'queue, with nothing wrong, and only the sweep still looks at the job.',
  ].join('\n');
}

function sweeps({ topology, stage }: Basis): string {
  const days = uploadDays(stage);
  const { timeoutSecs, trigger, memoryMb } = functionOf(topology, 'sweep');
  const everySecs = isScheduled(trigger) ? trigger.everySecs : timeoutSecs;
  const rows = VOLUMES.map((photos) => {
    const uploads = photos * days;
    return [whole(photos), whole(uploads), time(uploadsSecs(uploads)), dollars(uploadsDollars(uploads, everySecs, memoryMb))];
  });
  const head = ['photos a day', `uploads of ${days} days`, 'one sweep takes', 'a month, were it to end'];
  const most = mostUploads(timeoutSecs);
  return [
    table(head, rows),
    '',
    `Its time-out is ${timeoutSecs} s: that is enough for **${whole(most)} uploads**, ${whole(most / days)} a day where they are kept for`,
    `${days} days as in stage ${stage.name}, ${whole(most / 15)} where for 15, which is the least that a stage may have. A state in which ${whole(ROWS_OF_STATE)}`,
    `jobs have waited for longer than \`NUDGE_AFTER_SECS\` takes another ${time(stateSecs(ROWS_OF_STATE))}.`,
  ].join('\n');
}

/** What to set where only 10 run at once. */
export const FOR_TEN: Readonly<Record<string, { readonly maximum: number; readonly memoryMb?: number }>> = {
  fetch: { maximum: 2 },
  ingest: { maximum: 2 },
  ltx: { maximum: 2, memoryMb: 3_008 },
  render: { maximum: 2 },
  notify: { maximum: 2 },
  deliver: { maximum: 2 },
  supabase: { maximum: 2 },
};

function ten({ topology, camera }: Basis): string {
  const rows = Object.entries(topology.functions).flatMap(([name, { trigger, memoryMb }]) => {
    if (!isFed(trigger)) return [];
    const set = FOR_TEN[name];
    if (set === undefined) throw new Error(`nothing is said of "${name}" for accounts with few functions at once`);
    const [here, there] = [capacity(camera, topology, name, trigger.maximumConcurrency), capacity(camera, withMemory(topology, name, set.memoryMb), name, set.maximum)];
    const shown = (photos: number) => (photos === Infinity ? 'not used' : perDay(photos));
    const memory = set.memoryMb === undefined ? '' : `, ${whole(set.memoryMb)} MB`;
    return [[`\`${name}\``, `${trigger.maximumConcurrency}, ${whole(memoryMb)} MB`, shown(here), `${set.maximum}${memory}`, shown(there)]];
  });
  const fed = Object.values(topology.functions).flatMap(({ trigger }) => (isFed(trigger) ? [trigger.maximumConcurrency] : []));
  const set = Object.values(FOR_TEN).reduce((sum, one) => sum + one.maximum, 0);
  return [
    `The maxima of the topology add up to ${fed.reduce((sum, one) => sum + one, 0)}; ${fed.length} mappings cannot have less than ${fed.length * QUOTAS.mappingLeast.value} together. So, there, ${set}:`,
    '',
    table(['', 'topology', 'is enough for', `with ${QUOTAS.newConcurrency.value} at once`, 'is enough for'], rows),
  ].join('\n');
}

function capacity(chain: Chain, topology: Topology, name: string, maximum: number): number {
  const secs = secsFor(chain, topology, name);
  return secs === 0 ? Infinity : photosADay(maximum / secs);
}

function withMemory(topology: Topology, name: string, memoryMb: number | undefined): Topology {
  if (memoryMb === undefined) return topology;
  return { ...topology, functions: { ...topology.functions, [name]: { ...functionOf(topology, name), memoryMb } } };
}

function starved({ topology }: Basis): string {
  const rows = Object.entries(topology.functions).flatMap(([name, { trigger }]) => {
    if (!isFed(trigger)) return [];
    const { visibilityTimeoutSecs, maxReceiveCount = Infinity } = topology.queues[trigger.queue]!;
    return [[`\`${name}\``, time(visibilityTimeoutSecs), `${maxReceiveCount}`, time(visibilityTimeoutSecs * maxReceiveCount)]];
  });
  return table(['', 'visibility', 'receptions', 'refused for so long, a healthy message is dead'], rows);
}

/** Jobs that are watched through the function `api` to their end. */
function watching({ topology, camera, paid, ltx }: Basis): string {
  const { memoryMb } = functionOf(topology, 'api');
  const rows = [['camera move', camera, 0], [ltx.name, paid, ASSUMED.providerSecs]].map(([name, chain, providerSecs]) => {
    const secs = lifetime(chain as Chain, topology, providerSecs as number);
    const compute = secs * (memoryMb / MB_OF_GB) * PRICES.lambdaX86.value;
    const atOnce = VOLUMES.map((photos) => digits(peakRate(photos) * secs));
    return [name as string, time(secs), dollars(compute + secs * PRICES.dynamoRead.value), ...atOnce];
  });
  return table(['every job watched', 'for', 'costs', ...VOLUMES.map((photos) => `at once, ${whole(photos)} a day`)], rows);
}

const GRADES: Readonly<Record<Grade, string>> = { aws: 'AWS', quoted: 'quoted', memory: '**not verified**' };

const dollarsOf = ({ value, unit }: Figure) => {
  if (value >= 0.001) return `$${value} a ${unit}`;
  return unit === 'GB-second' ? `$${value.toFixed(10)} a ${unit}` : `$${digits(value * 1e6, 3)} a million ${unit}s`;
};

function figures(all: Readonly<Record<string, Figure>>, show: (figure: Figure) => string): string {
  const rows = Object.values(all).map((figure) => [
    figure.what, show(figure), figure.region, figure.source === 'memory' ? '' : figure.source, figure.asOf ?? '', figure.lookedUp, GRADES[figure.grade],
  ]);
  return table(['', 'figure', 'region', 'source', 'as of', 'looked up', ''], rows, false);
}
