/** The sections about the line, the sweep, and accounts that may run few functions. */

import { type Topology, isFed, isScheduled } from '../lib/topology.js';

import { type Basis, withMemory } from './basis.js';
import type { Chain } from './chain.js';
import { functionOf, secsFor } from './cost.js';
import { VOLUMES, photosADay, receivedAfter, waitingInLine } from './load.js';
import { QUOTAS } from './quotas.js';
import { ROWS_OF_STATE, mostUploads, stateSecs, uploadsDollars, uploadsSecs } from './sweep.js';
import { digits, dollars, perDay, table, time, whole } from './text.js';
import { turnSecs, uploadDays } from './walls.js';

/** Jobs in the line that the page looks at, and functions that are there to look. */
const LINES = [100, 1_000, 3_000, 10_000] as const;

const SERVERS = [2, 10] as const;

/** What a line does to those who look, and to the turns. */
export function lines({ topology, stage, paid, ltx }: Basis): string {
  const capacity = ltx.concurrency ?? 1;
  const busy = (capacity / turnSecs(ltx)) * secsFor(paid, topology, 'ltx');
  const turns = { capacity, secs: turnSecs(ltx), pollSecs: ltx.pollEverySecs, busy };
  const enough = LINES.filter((waiting) => waitingInLine(waiting, turns, SERVERS[1]).lateSecs === 0);
  const rows = LINES.map((waiting) => {
    const [few, many] = SERVERS.map((servers) => waitingInLine(waiting, turns, servers));
    return [
      whole(waiting),
      `${digits(few!.bytes / 1024)} KiB`,
      digits(few!.atOnce),
      whole(few!.readUnits),
      ...[few!, many!].flatMap((it) => [time(it.lateSecs), `${whole(it.inUse * 100)} %`]),
    ];
  });
  const { maxReceiveCount = 0 } = topology.queues['ltx']!;
  const patience = Number(stage.settings['sweep']?.['GIVE_UP_AFTER_SECS']);
  const filmed = (86_400 / turns.secs) * capacity;
  const late = SERVERS.flatMap((servers) => [`late, maximum ${servers}`, 'turns in use']);
  const head = ['jobs that wait', 'size of the line', 'looks at once', 'its row, units read a second', ...late];
  return [
    table(head, rows),
    '',
    `A maximum of ${SERVERS[1]} is enough for ${whole(Math.max(0, ...enough))} who wait.`,
    '',
    `LTX with ${capacity} at once films ${whole(filmed)} clips a day. What waits longer than the sweep's patience (\`GIVE_UP_AFTER_SECS\`, ${time(patience)}`,
    `in stage ${stage.name}) ends as failed, so a line of more than ${whole((filmed * patience) / 86_400)} jobs is in vain.`,
    ...receptionLimit(receivedAfter(maxReceiveCount, turns), patience, maxReceiveCount),
  ].join('\n');
}

/** What the limit of the queue means for those who wait. */
function receptionLimit(secs: number, patience: number, count: number): string[] {
  const received = `after ${time(secs)} in the line, a job's message has been received ${whole(count)} times`;
  if (secs > patience) {
    return [`The limit of queue \`ltx\` comes later: ${received}.`];
  }
  return [
    `Before that, ${received}, which is the limit of queue \`ltx\`: SQS moves it to the dead-letter queue, with nothing`,
    'wrong, and only the sweep still looks at the job.',
  ];
}

/** How long a sweep takes. */
export function sweeps({ topology, stage }: Basis): string {
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

/** What to set where few functions run at once, and what that is enough for. */
export function ten({ topology, camera }: Basis): string {
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

/** How long healthy messages survive where functions are refused. */
export function starved({ topology }: Basis): string {
  const rows = Object.entries(topology.functions).flatMap(([name, { trigger }]) => {
    if (!isFed(trigger)) return [];
    const { visibilityTimeoutSecs, maxReceiveCount = Infinity } = topology.queues[trigger.queue]!;
    return [[`\`${name}\``, time(visibilityTimeoutSecs), `${maxReceiveCount}`, time(visibilityTimeoutSecs * maxReceiveCount)]];
  });
  return table(['', 'visibility', 'receptions', 'refused for so long, a healthy message is dead'], rows);
}
