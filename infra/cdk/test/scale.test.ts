/** The model behind `docs/SCALE.md`, and the page itself. */

import { describe, expect, it } from 'vitest';

import { readTopology } from '../lib/topology.js';
import { TOLD, chainOf, looks } from '../scale/chain.js';
import { invocationsOf, keeping, making, requestsOf, secsFor, standing, total, transfer, wallSecs } from '../scale/cost.js';
import { all, dynamo, putRequests, readUnits, s3, times, writeUnits } from '../scale/deeds.js';
import { mustWait, pauses, peakRate, photosADay, receivedAfter, receptions, waitOf, waitingInLine } from '../scale/load.js';
import { cpuSecs, fileOf } from '../scale/measured.js';
import { readBasis } from '../scale/basis.js';
import { FOR_TEN } from '../scale/page-limits.js';
import { sections } from '../scale/page.js';
import { PRICES } from '../scale/prices.js';
import { QUOTAS } from '../scale/quotas.js';
import { readProviders } from '../scale/registry.js';
import { SHARED, attempt, delivery, step, store } from '../scale/rows.js';
import { mostUploads, uploadsSecs } from '../scale/sweep.js';
import { digits, dollars, fill, time } from '../scale/text.js';
import { walls } from '../scale/walls.js';
import { PAGE, write, written } from '../scale/write.js';

const basis = readBasis();
const { topology, camera, paid, ltx, cpu } = basis;

describe('the page', () => {
  it('says what the model reckons (UPDATE_SCALE=1 writes it)', () => {
    if (process.env['UPDATE_SCALE'] === '1') write();

    expect(written(), `${PAGE} is out of date: npm run scale, in infra/cdk`).toBe(fileOf(PAGE));
  });

  it('lacks no section and has none that nothing writes', () => {
    expect(() => fill('', { answer: '42' })).toThrow('lacks <!-- scale:answer -->');
    expect(() => fill('<!-- scale:old --><!-- /scale:old -->', {})).toThrow('section "old"');
    expect(fill('a <!-- scale:x -->\n1\n<!-- /scale:x --> b', { x: '2' })).toBe('a <!-- scale:x -->\n2\n<!-- /scale:x --> b');
  });

  it('holds no number that is none', () => {
    expect(Object.values(sections(basis)).join('\n')).not.toMatch(/NaN|Infinity|undefined|∞/);
  });
});

describe('figures', () => {
  it.each(Object.entries({ ...PRICES, ...QUOTAS }))('%s has a source, a day and a grade that agree', (_, figure) => {
    expect(figure.value).toBeGreaterThan(0);
    expect(figure.lookedUp).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(figure.asOf ?? figure.lookedUp).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(figure.grade === 'memory').toBe(figure.source === 'memory');
    expect(figure.region).toMatch(/^(us-east|eu-central)-1$/);
  });

  it('of providers are those of the registry', () => {
    expect(ltx).toMatchObject({ model: 'ltx-2-3-fast', clipSecs: 6, pollEverySecs: 5, concurrency: 2 });
    expect(ltx.dollars).toBeCloseTo(6 * 0.06);
    expect(basis.providers.find(({ name }) => name === 'replicate')?.dollars, 'by the clip').toBe(0.2);
    expect(() => readProviders('dated = "2026-01-01"\n[[providers]]\nname = "x"\n')).toThrow('x lacks');
  });

  it('of CPU are those that were measured', () => {
    const results = '| stage | waited | worked | CPU |\n| ingest | 42 ms | 421 ms | 0.5 s | 61 MiB |';

    expect(cpuSecs(results, 'ingest')).toBe(0.5);
    expect(() => cpuSecs(results, 'render')).toThrow('no row "render"');
    expect(cpu).toEqual({ ingest: expect.any(Number), ltx: expect.any(Number), render: expect.any(Number) });
  });
});

describe('units', () => {
  it('are whole, of 1 KiB written and 4 KiB read', () => {
    expect([1, 1024, 1025, 3000].map(writeUnits)).toEqual([1, 1, 2, 3]);
    expect([0, 4096, 4097].map(readUnits)).toEqual([1, 1, 2]);
  });

  it('are twice those of the row in a transaction, and as many as ever in its indexes', () => {
    const row = { table: 't', bytes: 1500, entries: [{ units: 2, shared: 'index' }] };

    expect(dynamo.put(row).writeUnits).toBe(2 + 2);
    expect(dynamo.transact(row)).toMatchObject({ writeUnits: 4 + 2, tables: { t: 4 }, shared: { index: 2 } });
  });

  it('of a step, by hand', () => {
    // Row 917 + 300 bytes: 2 units, twice; fact 633 + 120: 1, twice. By owner 2; by state 2 out, 2 in; unpublished 1.
    const stored = store('pending', 'queued', 'PhotoAccepted');
    expect(stored.writeUnits).toBe(4 + 2 + 2 + 2 + 2 + 1);
    expect(stored.shared).toEqual({
      [SHARED.owner]: 2,
      [SHARED.state('pending')]: 2,
      [SHARED.state('queued')]: 2,
      [SHARED.unpublished]: 1,
    });
    // Published: the mark of the fact, and its entry that goes.
    expect(step('pending', 'queued', 'PhotoAccepted').writeUnits).toBe(13 + 1 + 1);
  });

  it('of an order, by hand', () => {
    expect(attempt(false).writeUnits).toBe(2 + 1);
    expect(attempt(true).writeUnits, 'with three accounts').toBe(2 + 1 + 3 * 2);
    expect(delivery('Rendered').writeUnits, 'of 2 units, with two indexes').toBe(4 + 2 * 2);
  });

  it('of objects count parts', () => {
    expect([1, 8 * 1024 * 1024 - 1, 8 * 1024 * 1024, 20_000_000].map(putRequests)).toEqual([1, 1, 3, 5]);
  });

  it('add up', () => {
    expect(times(3, s3.head(), s3.put(10))).toMatchObject({ s3Gets: 3, s3Puts: 3 });
    expect(all([])).toMatchObject({ s3Gets: 0, secs: 0, shared: {} });
  });
});

describe('one video', () => {
  it('makes the requests that were seen on the wire', () => {
    // `./stillmotion make` on 2026-11-21, one webhook endpoint for all facts, no Supabase: requests on loopback without
    // those of the program itself, which is in the place of the API, and of options beside the photo.
    const wire = { gets: 6, heads: 8, puts: 5, events: 6, jobs: 8, ledger: 3, deliveries: 12, marks: 6, registers: 8, sentMessages: 5 };
    const meters = 2; // the API's own
    const requests = requestsOf(camera);

    expect(requests.s3Gets).toBe(wire.gets + wire.heads);
    expect(requests.s3Puts).toBe(wire.puts);
    expect(requests.events).toBe(wire.events);
    expect(requests.transactions).toBe(wire.jobs + wire.ledger + wire.deliveries);
    expect(requests.updates).toBe(wire.marks + meters);
    expect(requests.puts).toBe(wire.registers);
    const sent = camera.invocations.reduce((sum, one) => sum + one.times * one.deeds.messages, 0);
    expect(sent).toBe(wire.sentMessages);
  });

  it('is told of by facts that the topology has rules for', () => {
    for (const { pattern } of topology.bus.rules) {
      expect(pattern['detail-type']).toEqual(expect.arrayContaining(TOLD.map((fact) => `${fact}.v1`)));
    }
  });

  it('has every queue that is fed, and no function that is not there', () => {
    const run = new Set(paid.invocations.map((one) => one.function));
    const missing = Object.keys(topology.functions).filter((name) => !run.has(name));

    expect(missing, 'not part of the usual video').toEqual(['fetch', 'provider-webhook', 'sweep']);
    expect(Object.keys(camera.received).every((queue) => queue in topology.queues)).toBe(true);
    expect(() => secsFor(camera, { ...topology, functions: {} }, 'ltx')).toThrow('no function "ltx"');
  });

  it('writes only tables and indexes that the topology has', () => {
    const requests = requestsOf(paid);
    expect(Object.keys(requests.tables).every((table) => table in topology.tables)).toBe(true);
    for (const name of Object.keys(requests.shared)) {
      const [, index, table] = name.match(/^index ([\w-]+) of (\w+)/) ?? [];
      if (index === undefined) continue;
      expect(topology.tables[table!]!.indexes.map((one) => one.name), name).toContain(index);
    }
  });

  it('costs, of compute, what was reckoned by hand', () => {
    // 17.69 s of one core on 1,769 MB: 17.69 s. Nothing is asked of anybody, so 5 ms of our own are all there is beside.
    const alone = { function: 'ltx', what: '', times: 2, deeds: all([]), cpuSecs: 17.69, threads: 1 };
    const chain = { invocations: [alone], others: all([]), received: {} };
    const one = { ...topology, functions: { ltx: { ...topology.functions['ltx']!, memoryMb: 1_769, temporaryMb: 512 } } };

    const parts = making(chain, one, 'x86_64');

    expect(parts['Lambda: ltx']).toBeCloseTo(2 * 17.695 * (1_769 / 1_024) * 0.0000166667, 12);
    expect(parts['Lambda: requests, /tmp']).toBeCloseTo(2 * 0.0000002, 12);
    expect(parts['DynamoDB: writes']).toBe(0);
  });

  it('is charged from the first request on: no free tier', () => {
    expect(Object.values(making(camera, topology, 'x86_64')).every((part) => part > 0)).toBe(true);
    expect(keeping(1, basis.stage).every((one) => one.dollars > 0)).toBe(true);
    expect(transfer(1)).toBeGreaterThan(0);
    expect(Object.values(standing(topology)).every((part) => part > 0)).toBe(true);
  });

  it('takes less time with more memory, up to its threads, and costs the same', () => {
    expect(wallSecs(10, 1_769, 2)).toBe(10);
    expect(wallSecs(10, 3_538, 2)).toBe(5);
    expect(wallSecs(10, 10_240, 2)).toBe(5);
    expect(wallSecs(10, 3_538, 1)).toBe(10);
  });

  it('is cheaper on arm64, dearer with more looks, more endpoints and more time', () => {
    const cost = (chain: typeof camera) => total(making(chain, topology, 'x86_64'));
    expect(total(making(camera, topology, 'arm64'))).toBeLessThan(cost(camera));

    expect(looks(5)).toBe(15);
    const often = chainOf({ endpoints: 1, cpu, provider: { pollEverySecs: 1 } });
    const seldom = chainOf({ endpoints: 1, cpu, provider: { pollEverySecs: 10 } });
    expect(cost(often)).toBeGreaterThan(cost(seldom));
    expect(invocationsOf(often) - invocationsOf(seldom)).toBe(looks(1) - looks(10));
    expect(cost(chainOf({ endpoints: 2, cpu }))).toBeGreaterThan(cost(camera));

    const kept = [1, 6, 12].map((months) => keeping(months, basis.stage).reduce((sum, one) => sum + one.dollars, 0));
    expect(kept).toEqual([...kept].sort((a, b) => a - b));
  });

  it('is kept as the stage says', () => {
    const keeps = { expireAfterDays: { 'uploads/': 365 / 12 }, glacierAfterDays: { 'photos/': (2 * 365) / 12 } };
    const [uploads, photos, clips] = keeping(6, keeps);

    expect([uploads!.standardMonths, uploads!.glacierMonths]).toEqual([1, 0]);
    expect([photos!.standardMonths, photos!.glacierMonths]).toEqual([2, 4]);
    expect([clips!.standardMonths, clips!.glacierMonths]).toEqual([6, 0]);
    expect(photos!.dollars).toBeCloseTo(0.001326 * (2 * 0.023 + 4 * 0.004) + 0.00002, 9);
  });
});

describe('many videos', () => {
  it('have a highest hour', () => {
    expect(peakRate(86_400)).toBe(4);
    expect(photosADay(peakRate(12_345))).toBeCloseTo(12_345);
  });

  it('wait as Erlang says', () => {
    expect(mustWait(0.5, 1), 'one server').toBeCloseTo(0.5);
    expect(mustWait(1, 2)).toBeCloseTo(1 / 3);
    expect(mustWait(2, 2)).toBe(1);
    expect(waitOf(0.5, 1, 1), 'as long as one takes').toMatchObject({ meanSecs: 1, isHopeless: false });
  });

  it('pile up in an hour that is too much, and for ever in a day that is', () => {
    // 2 a second come, 1 is served: 3,600 are left, and the last waits for an hour.
    expect(waitOf(2, 1, 1)).toEqual({ load: 2, servers: 1, behind: { runs: 3_600, lastWaitsSecs: 3_600 }, isHopeless: false });
    expect(waitOf(4, 1, 1).isHopeless).toBe(true);
  });

  it('are paused in a line for longer, the further they are', () => {
    expect(pauses(6, 2)).toEqual([1, 1, 2, 2, 3, 3]);
    // A line tells nobody of more than a thousand ahead.
    expect(Math.max(...pauses(5_000, 2))).toBe(501);
    expect(Math.max(...pauses(5_000, 1))).toBe(600);
    // Two places, each passed in 5 s: 5 looks at a pause of 1 s from each.
    expect(receptions(10, { capacity: 2, secs: 10 })).toBe(10);
    const turns = { capacity: 2, secs: 85 };
    expect(receptions(receivedAfter(1_000, turns), turns)).toBeCloseTo(1_000, -1);
  });

  it('waste turns when there is nobody to look', () => {
    const turns = { capacity: 2, secs: 85, pollSecs: 5, busy: 0.2 };
    const few = [10, 3_000, 10_000].map((waiting) => waitingInLine(waiting, turns, 2).inUse);

    expect(few).toEqual([...few].sort((a, b) => b - a));
    expect(waitingInLine(10, turns, 2).lateSecs).toBe(0);
    expect(waitingInLine(20_000, turns, 2).lateSecs).toBeGreaterThan(60);
    expect(waitingInLine(3_000, turns, 50).lateSecs).toBe(0);
    expect(waitingInLine(60_000, turns, 500).lateSecs, 'one row can be read so often').toBeGreaterThan(10);
  });

  it('meet walls one after the other, which move with what they are made of', () => {
    const met = walls({ ...basis, provider: ltx });
    expect(met.map((wall) => wall.photos)).toEqual(met.map((wall) => wall.photos).sort((a, b) => a - b));

    const doubled = { ...topology.functions['ltx']!, trigger: { ...topology.functions['ltx']!.trigger, maximumConcurrency: 4 } };
    const wider = walls({ ...basis, provider: ltx, topology: { ...topology, functions: { ...topology.functions, ltx: doubled as typeof doubled & { trigger: never } } } });
    const of = (all: typeof met, name: RegExp) => all.find((wall) => name.test(wall.name))!.photos;
    expect(of(wider, /^`ltx`: 4 at once/)).toBeCloseTo(2 * of(met, /^`ltx`: 2 at once/));
  });

  it('are swept as long as the sweep has time', () => {
    const most = mostUploads(300);
    expect(uploadsSecs(most)).toBeLessThanOrEqual(300);
    expect(uploadsSecs(most + 100)).toBeGreaterThan(300);
  });

  it('fit, with the settings for ten at once, where mappings have at least two', () => {
    for (const { maximum } of Object.values(FOR_TEN)) expect(maximum).toBeGreaterThanOrEqual(QUOTAS.mappingLeast.value);
    const long = ['ltx', 'render', 'fetch'].reduce((sum, name) => sum + FOR_TEN[name]!.maximum, 0);
    expect(long, 'what takes long leaves room for what does not').toBeLessThanOrEqual(6);
    expect(Object.keys(FOR_TEN).sort()).toEqual(
      Object.keys(readTopology().functions).filter((name) => 'queue' in topology.functions[name]!.trigger).sort(),
    );
  });
});

describe('numbers', () => {
  it('are shown as people read them', () => {
    expect([0, 0.001811, 0.36, 1.2, 36_000].map(dollars)).toEqual(['0', '$0.0018', '$0.36', '$1.20', '$36,000']);
    expect([0.99, 9.96, 1_234].map((value) => digits(value))).toEqual(['0.99', '10', '1,200']);
    expect([0.01, 9, 100, 3_600, 90_000, 200_000].map(time)).toEqual(['none', '9.0 s', '100 s', '60 min', '25 h', '2 days']);
  });
});
