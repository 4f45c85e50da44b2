/** The sections of the page about one video. */

import { type Basis, MB_OF_GB, MONTHS, yearOf } from './basis.js';
import { type Chain, chainOf } from './chain.js';
import { type Parts, functionOf, invocationsOf, keeping, making, requestsOf, secsOf, standing, total, transfer } from './cost.js';
import { VOLUMES, lifetime, peakRate } from './load.js';
import { ASSUMED } from './measured.js';
import { PRICES } from './prices.js';
import { bars, digits, dollars, table, time, whole } from './text.js';

const micro = (value: number) => whole(value * 1e6);

/** What each part costs. */
export function video({ topology, camera, paid }: Basis): string {
  const columns = [camera, paid].flatMap((chain) => [making(chain, topology, 'x86_64'), making(chain, topology, 'arm64')]);
  const sum = columns.map(total);
  const names = [...Object.keys(columns[0]!)].sort((a, b) => columns[0]![b]! - columns[0]![a]!);
  const rows = names.map((name) => [name, ...columns.map((parts) => micro(parts[name] ?? 0))]);
  const head = ['part, in millionths of a dollar', 'camera move, x86_64', 'arm64', 'LTX, x86_64', 'arm64'];
  return table(head, [...rows, ['**made**', ...sum.map((one) => `**${micro(one)}**`)]]);
}

/** The same to look at, with what comes after it. */
export function chart({ topology, stage, camera }: Basis): string {
  const parts = making(camera, topology, 'x86_64');
  const all: Parts = { ...parts, 'Kept for a year': yearOf(stage), [`Downloaded ${ASSUMED.views} times`]: transfer(ASSUMED.views) };
  const sorted = Object.fromEntries(Object.entries(all).sort(([, a], [, b]) => b - a));
  return bars(sorted, (value) => `$${value.toFixed(5)}`);
}

/** The camera move beside paid providers. */
export function offers({ topology, providers, cpu, camera }: Basis): string {
  const free = total(making(camera, topology, 'x86_64'));
  const rows = providers.map((provider) => {
    const aws = total(making(chainOf({ endpoints: 1, cpu, provider }), topology, 'x86_64'));
    const clip = `${provider.model}, ${provider.clipSecs} s, ${provider.resolution}`;
    return [provider.name, clip, dollars(provider.dollars), dollars(aws), dollars(provider.dollars + aws), `${provider.concurrency ?? 'not said'}`];
  });
  const head = ['provider', 'first offer of its default model', 'provider', 'AWS', 'together', 'orders at once'];
  return table(head, [['camera move', '6 s, 1920x1080', '0', dollars(free), dollars(free), 'no limit'], ...rows]);
}

/** What is asked of whom. */
export function requests({ camera, paid, cpu }: Basis): string {
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

/** How long functions run. */
export function times({ topology, camera, paid, cpu }: Basis): string {
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

/** What is stored, for how long. */
export function kept({ stage }: Basis): string {
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

/** What a stage costs without a video. */
export function standingOf({ topology }: Basis): string {
  const parts = standing(topology);
  const rows = Object.entries(parts).map(([name, value]) => [name, dollars(value)]);
  return table(['a month, with no video', ''], [...rows, ['**together**', `**${dollars(total(parts))}**`]]);
}

/** Jobs that are watched through the function `api` to their end. */
export function watching({ topology, camera, paid, ltx }: Basis): string {
  const { memoryMb } = functionOf(topology, 'api');
  const rows = [['camera move', camera, 0], [ltx.name, paid, ASSUMED.providerSecs]].map(([name, chain, providerSecs]) => {
    const secs = lifetime(chain as Chain, topology, providerSecs as number);
    const compute = secs * (memoryMb / MB_OF_GB) * PRICES.lambdaX86.value;
    const atOnce = VOLUMES.map((photos) => digits(peakRate(photos) * secs));
    return [name as string, time(secs), dollars(compute + secs * PRICES.dynamoRead.value), ...atOnce];
  });
  return table(['every job watched', 'for', 'costs', ...VOLUMES.map((photos) => `at once, ${whole(photos)} a day`)], rows);
}
