/** Every stage is what the topology says, and nothing in it calls another or runs in circles. */

import { describe, expect, test } from 'vitest';

import { plannedGraph, triggerGraph } from '../lib/proof/graph.js';
import { fedBy } from '../lib/proof/planned.js';
import { roles } from '../lib/proof/policy.js';
import { problems } from '../lib/proof/problems.js';
import { detailTypes } from '../lib/proof/promises.js';
import { invokes } from '../lib/proof/access.js';
import type { Environment, Metrics } from '../lib/proof/settings.js';
import { builtFields, fieldDifferences, localFields } from '../lib/proof/wiring.js';
import { file, local, promised } from './promised.js';
import { readTopology } from '../lib/topology.js';
import { STAGES, templatesOf, topologyOf } from './synth.js';

describe.each(STAGES)('%s', (name) => {
  test('has no problem', () => {
    expect(problems(templatesOf(name), promised(topologyOf(name)))).toEqual([]);
  });

  test('has the trigger graph of the topology, and no circle in it', () => {
    const types = detailTypes(topologyOf(name));
    const built = triggerGraph(templatesOf(name), types);
    const edges = built.all().filter(([, to]) => !/^(api-destination|API destination|role)/.test(to));
    const inside = edges.filter(([from]) => !from.startsWith('role '));
    expect(inside).toEqual(plannedGraph(topologyOf(name), types).all());
    expect(inside.length).toBeGreaterThan(100);
    expect(built.circles()).toEqual([]);
  });

  test('listens to prefixes of which none begins with another', () => {
    const prefixes = [...builtFields(templatesOf(name)).keys()].flatMap((field) => /^prefix (.*): queue$/.exec(field)?.[1] ?? []);
    expect(prefixes).toHaveLength(topologyOf(name).bucket.notifications.length);
    const begun = prefixes.filter((one) => prefixes.some((other) => other !== one && one.startsWith(other)));
    expect(begun).toEqual([]);
  });

  test('lets no function invoke another, and the clock only what it is for', () => {
    const callers = roles(templatesOf(name)).filter((role) => role.grants.some(invokes));
    expect(callers.map((role) => role.function)).toEqual([undefined]);
    const called = callers[0]!.grants.filter(invokes).map((grant) => templatesOf(name).thing(grant.resource));
    expect(called).toEqual([{ kind: 'function', name: 'sweep' }]);
  });

  test('is wired as the chain is here, field by field', () => {
    const [built, here] = [builtFields(templatesOf(name)), localFields(local())];
    expect(fieldDifferences(built, here, topologyOf(name))).toEqual([]);
    // Every queue, mapping, table, rule and notification was there to be compared.
    const owners = (fields: Iterable<string>) => new Set([...fields].map((field) => field.split(': ')[0]!));
    const { queues, tables, bus, bucket, functions } = topologyOf(name);
    const fed = Object.keys(functions).filter((one) => !('http' in functions[one]!.trigger));
    for (const [kind, names] of Object.entries({
      queue: Object.keys(queues),
      table: Object.keys(tables),
      rule: bus.rules.map((rule) => rule.name),
      prefix: bucket.notifications.map((one) => one.prefix),
      function: fed,
    })) {
      for (const one of names) expect(owners(built.keys())).toContain(`${kind} ${one}`);
      for (const one of names) expect(owners(here.keys())).toContain(`${kind} ${one}`);
    }
  });
});

test('what every function reads and tells is known', () => {
  const functions = Object.keys(readTopology().functions).sort();
  expect(Object.keys(file<Environment>('schemas/environment.json').functions).sort()).toEqual(functions);
  const told = new Set(file<Metrics>('schemas/metrics.json').metrics.flatMap((metric) => metric.from));
  const fed = functions.filter((name) => fedBy(readTopology().functions[name]!) !== undefined);
  for (const name of [...fed, 'sweep']) expect(told).toContain(name);
});
