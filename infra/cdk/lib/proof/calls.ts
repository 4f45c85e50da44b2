/** What functions were seen to ask of AWS, against what their roles allow. */

import type { Topology } from '../topology.js';
import { classOf } from './planned.js';
import { covers, glob, type Grant, passes, roles } from './policy.js';
import type { Templates } from './templates.js';

/** `infra/calls.json`: by function, `s3:GetObject photos/*`, `dynamodb:Query jobs/by-owner`, `events:PutEvents`. */
export interface Calls {
  functions: Record<string, string[]>;
}

/** What a stage publishes: its wiring, and every fact that there is a schema of. */
export interface Published {
  topology: Topology;
  detailTypes: readonly string[];
}

/** Calls that would be refused, and functions of which nothing was seen. */
export function refusedCalls(templates: Templates, calls: Calls, published: Published): string[] {
  const functions = roles(templates).filter((role) => role.function !== undefined);
  const unknown = Object.keys(calls.functions).filter((name) => !functions.some((role) => role.function === name));
  return [
    ...unknown.map((name) => `calls of function ${name} were recorded, which the template does not have`),
    ...functions.flatMap(({ function: name, grants }) => {
      const seen = calls.functions[name!] ?? [];
      if (seen.length === 0) return [`no call of function ${name} was recorded`];
      return seen
        .flatMap((call) => refused(templates, grants, call, facts(published, name!)))
        .map((call) => `function ${name} was seen to ask for ${call}, which its role does not allow`);
    }),
  ];
}

/** The facts that the topology has a function publish. */
function facts({ topology, detailTypes }: Published, name: string): string[] {
  const classes = topology.functions[name]?.publishes ?? [];
  return detailTypes.filter((type) => classes.includes(classOf(type)));
}

/** A call, if it is refused; a fact that is published, which the call does not tell, with each that would be. */
function refused(templates: Templates, grants: Grant[], call: string, facts: string[]): string[] {
  const allowing = grants.filter((grant) => allows(templates, grant, call));
  if (allowing.length === 0) return [call];
  if (call !== 'events:PutEvents') return [];
  return facts
    .filter((type) => !allowing.some((grant) => passes(grant, 'events:detail-type', type)))
    .map((type) => `${call} of ${type}`);
}

function allows(templates: Templates, grant: Grant, call: string): boolean {
  const [action = '', on] = call.split(' ');
  if (!covers(grant, action)) return false;
  const { kind, name } = templates.thing(grant.resource);
  // The bucket and the bus of a stage are one each, and not named in a call.
  if (on === undefined) return kind === 'bucket' || kind === 'bus';
  if (kind === 'prefix') return glob(`${name}*`).test(on);
  return name === on;
}
