/** Files that the stacks share with the functions. */

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What is shared, by its name in the package: where it is in the repository. */
const PLACES = {
  'topology.json': 'infra/topology.json',
  'environment.json': 'schemas/environment.json',
  'metrics.json': 'schemas/metrics.json',
} as const;

/** The text of a shared file, from the repository, else from the package; none: it is in neither. */
export function sharedFile(name: keyof typeof PLACES): string | undefined {
  // Compiled or not, this module is one folder below infra/cdk, and below the root of the package.
  const places = [`../../../${PLACES[name]}`, `../data/${name}`];
  const path = places
    .map((place) => fileURLToPath(new URL(place, import.meta.url)))
    .find((it) => existsSync(it));
  return path === undefined ? undefined : readFileSync(path, 'utf8');
}
