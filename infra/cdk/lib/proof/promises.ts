/** What a stage is held against, as the repository has it, or the package. */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { sharedFile } from '../shared-files.js';
import type { Topology } from '../topology.js';
import type { Promises } from './problems.js';

/** Facts that a package knows of beside those of its rules: it has no schemas with it. */
const TOLD_BY_DELIVER = 'WebhookEndpointDisabled.v1';

function inRepository(path: string): string {
  return fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
}

/** A generated file of the repository; none: it is not there, as in a package. */
export function generated<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(inRepository(path), 'utf8')) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Every fact that there is a schema of. */
export function detailTypes(topology: Topology): string[] {
  try {
    const names = readdirSync(inRepository('schemas'));
    return names.flatMap((name) => /^(.+\.v\d+)\.json$/.exec(name)?.[1] ?? []).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const told = topology.bus.rules.flatMap((rule) => rule.pattern['detail-type'] as string[]);
    return [...new Set([...told, TOLD_BY_DELIVER])].sort();
  }
}

function parsed<T>(json: string | undefined): T | undefined {
  return json === undefined ? undefined : (JSON.parse(json) as T);
}

/**
 * What a synthesised stage is held against wherever it is synthesised. What the local runner wires
 * is not among it: an app may bring a topology of its own.
 */
export function promises(topology: Topology): Promises {
  return {
    topology,
    detailTypes: detailTypes(topology),
    environment: parsed(sharedFile('environment.json')),
    metrics: parsed(sharedFile('metrics.json')),
  };
}
