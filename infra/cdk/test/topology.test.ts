import { describe, expect, it } from 'vitest';

import { parseTopology, readTopology, without } from '../lib/topology.js';

/** The topology as JSON, after a change. */
function changed(change: (topology: any) => void): string {
  const topology = JSON.parse(JSON.stringify(readTopology()));
  change(topology);
  return JSON.stringify(topology);
}

describe('the topology', () => {
  it('is read as it is written', () => {
    const { queues, functions } = readTopology();

    expect(queues['render']).toEqual({
      visibilityTimeoutSecs: 5400,
      retentionSecs: 864000,
      maxReceiveCount: 5,
      deadLetterQueue: 'render-dead',
    });
    expect(functions['sweep']!.trigger).toEqual({ everySecs: 300 });
  });

  it.each([
    [
      'a member of a function',
      (it: any) => (it.functions.ltx.concurrency = 2),
      'topology.functions.ltx.concurrency',
    ],
    ['a member of a queue', (it: any) => (it.queues.ltx.delaySecs = 2), 'topology.queues.ltx.delaySecs'],
    [
      'a member of a trigger',
      (it: any) => (it.functions.ltx.trigger.filter = {}),
      'topology.functions.ltx.trigger.filter',
    ],
    ['a member of a table', (it: any) => (it.tables.jobs.stream = true), 'topology.tables.jobs.stream'],
    ['a part of its own', (it: any) => (it.topics = {}), 'topology.topics'],
  ])('is refused if it has %s that nothing reads', (_, change, place) => {
    expect(() => parseTopology(changed(change))).toThrow(`${place} is not known`);
  });

  it.each([
    [
      'a queue',
      (it: any) => it.functions.api.sends.push('letters'),
      'function api names "letters", which is not among its queues',
    ],
    ['a queue, by a rule', (it: any) => (it.bus.rules[0].queue = 'x'), 'rule notify names "x"'],
    [
      'a queue, by a prefix',
      (it: any) => (it.bucket.notifications[0].queue = 'x'),
      'prefix uploads/ names "x"',
    ],
    ['a dead-letter queue', (it: any) => (it.queues.ltx.deadLetterQueue = 'x'), 'queue ltx names "x"'],
    [
      'a table',
      (it: any) => (it.functions.api.tables.x = ['read']),
      'function api names "x", which is not among its tables',
    ],
    [
      'a secret',
      (it: any) => (it.functions.api.secrets = ['x']),
      'function api names "x", which is not among its secrets',
    ],
  ])('is refused if it names %s that it does not have', (_, change, message) => {
    expect(() => parseTopology(changed(change))).toThrow(message);
  });

  it.each([
    [
      'lacks a member',
      (it: any) => delete it.functions.ltx.memoryMb,
      'topology.functions.ltx lacks memoryMb',
    ],
    [
      'has a number as a text',
      (it: any) => (it.functions.ltx.memoryMb = '2048'),
      'memoryMb is not a whole number',
    ],
    [
      'has an access that is none',
      (it: any) => (it.functions.ltx.tables.jobs = ['scan']),
      'is not one of read, write, delete',
    ],
  ])('is refused if it %s', (_, change, message) => {
    expect(() => parseTopology(changed(change))).toThrow(message);
  });

  it('can do without a function that nothing but its own rule feeds', () => {
    const narrow = without(readTopology(), ['supabase']);

    expect(Object.keys(narrow.functions)).not.toContain('supabase');
    expect(Object.keys(narrow.queues).filter((name) => name.startsWith('supabase'))).toEqual([]);
    expect(narrow.bus.rules.map((rule) => rule.name)).toEqual(['notify']);
  });

  it('cannot do without one that others need', () => {
    expect(() => without(readTopology(), ['render'])).toThrow('prefix ltx-videos/ names "render"');
    expect(() => without(readTopology(), ['deliver'])).toThrow('names "deliver"');
    expect(() => without(readTopology(), ['mail'])).toThrow('there is no function "mail"');
  });
});
