/** What the stages are held against in tests: everything, with nothing left out for want of a file. */

import type { Promises } from '../lib/proof/problems.js';
import { generated, promises } from '../lib/proof/promises.js';
import type { LocalWiring } from '../lib/proof/wiring.js';
import type { Topology } from '../lib/topology.js';

/** A generated file of the repository. @throws if it is not there. */
export function file<T>(path: string): T {
  const read = generated<T>(path);
  if (read === undefined) throw new Error(`there is no ${path}: run just schemas`);
  return read;
}

/** What the local runner wires. */
export function local(): LocalWiring {
  return file('infra/wiring.json');
}

/** All that a stage is held against. */
export function promised(topology: Topology): Promises {
  return {
    ...promises(topology),
    environment: file('schemas/environment.json'),
    metrics: file('schemas/metrics.json'),
    local: local(),
  };
}
