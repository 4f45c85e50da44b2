/** Everything that is wrong with a synthesised stage, one line each, in words that a person can follow. */

import type { Topology } from '../topology.js';
import { accessProblems } from './access.js';
import { differences, plannedGraph, triggerGraph } from './graph.js';
import { linkProblems } from './links.js';
import { partitionProblems } from './partitions.js';
import { rightProblems } from './rights.js';
import { alarmProblems, type Environment, factProblems, type Metrics, variableProblems } from './settings.js';
import type { Templates } from './templates.js';
import { builtFields, fieldDifferences, type LocalWiring, localFields } from './wiring.js';

/** What a stage is held against. */
export interface Promises {
  /** The wiring that it was built from. */
  topology: Topology;
  /** Every fact that there is a schema of. */
  detailTypes: readonly string[];
  /** The variables that the programs read; none: not compared. */
  environment: Environment | undefined;
  /** The metrics that the programs write; none: not compared. */
  metrics: Metrics | undefined;
  /** What the local runner wires; none: not compared. */
  local?: LocalWiring;
}

/** The problems of a stage; none: the chain is what the topology says, and nothing in it calls, circles or leaks. */
export function problems(templates: Templates, promises: Promises): string[] {
  const { topology, detailTypes, environment, metrics, local } = promises;
  const graph = triggerGraph(templates, detailTypes);
  return [
    ...graph.circles().map((circle) => `a circle: ${[...circle, circle[0]].join(' → ')}`),
    ...differences(graph, plannedGraph(topology, detailTypes)),
    ...linkProblems(templates),
    ...rightProblems(templates),
    ...partitionProblems(templates),
    ...accessProblems(templates, topology),
    ...(environment ? variableProblems(templates, topology, environment) : []),
    ...factProblems(templates, detailTypes),
    ...(metrics ? alarmProblems(templates, metrics) : []),
    ...(local ? fieldDifferences(builtFields(templates), localFields(local), topology) : []),
  ];
}
