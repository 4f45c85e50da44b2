/** The sections about many videos a day. */

import { isFed, isScheduled } from '../lib/topology.js';

import { type Basis, yearOf } from './basis.js';
import type { Chain } from './chain.js';
import { functionOf, invocationsOf, making, requestsOf, secsFor, standing, total, transfer } from './cost.js';
import { type Wait, VOLUMES, demand, peakRate, waitBefore } from './load.js';
import { ASSUMED, BYTES } from './measured.js';
import { QUOTAS } from './quotas.js';
import { mostUploads, uploadsDollars } from './sweep.js';
import { digits, dollars, table, time, whole } from './text.js';
import { turnSecs, uploadDays } from './walls.js';

/** Rates of the highest hour, and dollars of a day. */
export function volumes(basis: Basis): string {
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

/** What runs at once, and what waits. */
export function functions({ topology, camera, paid }: Basis): string {
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

function said(wait: Wait | undefined, runsOfVideo: number): string {
  if (wait === undefined) return '';
  if (wait.behind === undefined) return time(wait.meanSecs ?? 0);
  const behind = `${whole(wait.behind.runs / runsOfVideo)} behind, ${time(wait.behind.lastWaitsSecs)}`;
  return wait.isHopeless ? `${behind}, for ever` : behind;
}

/** How near partitions that jobs share are to their limit. */
export function units({ camera, paid }: Basis): string {
  const [free, all] = [requestsOf(camera).shared, requestsOf(paid).shared];
  const rows = Object.entries(all).sort(([, a], [, b]) => b - a).map(([name, perVideo]) => {
    const share = VOLUMES.map((photos) => `${digits(((peakRate(photos) * perVideo) / QUOTAS.partitionWrites.value) * 100)} %`);
    return [name in free ? name : `${name} (LTX)`, whole(perVideo), ...share];
  });
  const head = ['partition that jobs share', 'write units a video', ...VOLUMES.map((photos) => `of ${whole(QUOTAS.partitionWrites.value)} at ${whole(photos)} a day`)];
  return table(head, rows);
}
