/** What functions were seen to ask of AWS, against what their roles allow. */

import { covers, glob, type Grant, roles } from './policy.js';
import type { Templates } from './templates.js';

/** `infra/calls.json`: by function, `s3:GetObject photos/*`, `dynamodb:Query jobs/by-owner`, `events:PutEvents`. */
export interface Calls {
  functions: Record<string, string[]>;
}

/** Calls that would be refused, and functions of which nothing was seen. */
export function refusedCalls(templates: Templates, calls: Calls): string[] {
  const functions = roles(templates).filter((role) => role.function !== undefined);
  const unknown = Object.keys(calls.functions).filter((name) => !functions.some((role) => role.function === name));
  return [
    ...unknown.map((name) => `calls of function ${name} were recorded, which the template does not have`),
    ...functions.flatMap(({ function: name, grants }) => {
      const seen = calls.functions[name!] ?? [];
      if (seen.length === 0) return [`no call of function ${name} was recorded`];
      return seen
        .filter((call) => !grants.some((grant) => allows(templates, grant, call)))
        .map((call) => `function ${name} was seen to ask for ${call}, which its role does not allow`);
    }),
  ];
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
