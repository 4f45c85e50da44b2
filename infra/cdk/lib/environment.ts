/** The environment of a function: what the topology implies, and what the stage sets. */

import type { Names } from './names.js';
import { type Read, list, map, object, text } from './reading.js';
import { sharedFile } from './shared-files.js';
import type { Stage } from './stage.js';
import { type Topology, isAsked, isFed } from './topology.js';

/** `provider-webhook` as a variable has it. */
function upper(name: string): string {
  return name.replaceAll('-', '_').toUpperCase();
}

/**
 * The variables of a function. None of them is a secret: where it has some, `SECRETS` names them,
 * and it reads them when it starts.
 */
export function environment(
  names: Names,
  topology: Topology,
  stage: Stage,
  name: string,
): Record<string, string> {
  const it = topology.functions[name]!;
  const usesBucket = [...it.reads, ...it.writes, ...(it.deletes ?? [])].length > 0;
  const own = isFed(it.trigger) ? [it.trigger.queue] : [];
  const variables: Record<string, string> = { METRICS_NAMESPACE: names.bus };
  if (usesBucket) variables['MEDIA_BUCKET'] = names.bucket(topology.bucket.name);
  if (it.publishes.length > 0) variables['EVENT_BUS'] = names.bus;
  for (const table of Object.keys(it.tables)) variables[`${upper(table)}_TABLE`] = names.of(table);
  for (const queue of [...own, ...it.sends]) variables[`${upper(queue)}_QUEUE_URL`] = names.queueUrl(queue);
  for (const queue of own) Object.assign(variables, deadLetters(names, topology, queue));
  if (it.secrets !== undefined)
    variables['SECRETS'] = it.secrets.map((secret) => names.secret(secret)).join(',');
  if (it.layers?.includes('fonts')) variables['FONTS_FOLDER'] = '/opt/fonts';
  // The pages that may upload may call as well.
  if (isAsked(it.trigger) && it.writes.length > 0) variables['CORS_ORIGINS'] = stage.origins.join(',');
  for (const [setting, value] of Object.entries(stage.settings[name] ?? {})) {
    if (setting in variables)
      throw new Error(
        `stage "${stage.name}": ${setting} of ${name} follows from the topology and is not for the stage to set`,
      );
    variables[setting] = value;
  }
  return variables;
}

/** What a function reads from its environment, as `schemas/environment.json` has it from its code. */
export interface Settings {
  /** Without them it does not start. */
  readonly required: readonly string[];
  readonly optional: readonly string[];
  /** Those that come from Secrets Manager. */
  readonly secret: readonly string[];
}

const settings: Read<{ functions: Readonly<Record<string, Settings>> }> = object({
  functions: map(object<Settings>({ required: list(text), optional: list(text), secret: list(text) })),
});

/** What each function reads; none: `schemas/environment.json` is not there. */
export function readSettings(): Readonly<Record<string, Settings>> | undefined {
  const json = sharedFile('environment.json');
  return json === undefined ? undefined : settings(JSON.parse(json), 'environment').functions;
}

/**
 * Checks the variables of a function against what it reads.
 *
 * @throws if it would not start for want of one, has one that it does not read, or a secret as one.
 */
export function checkEnvironment(
  stage: Stage,
  name: string,
  variables: Readonly<Record<string, string>>,
  reads: Settings,
): void {
  const wrong = (what: string): never => {
    throw new Error(`stage "${stage.name}": function "${name}" ${what}`);
  };
  for (const setting of reads.required) {
    if (!(setting in variables) && !reads.secret.includes(setting))
      wrong(`wants ${setting}: set it in lib/stages.ts`);
  }
  for (const setting of reads.secret)
    if (setting in variables) wrong(`has the secret ${setting} as a plain variable`);
  const known = [...reads.required, ...reads.optional];
  for (const setting of Object.keys(stage.settings[name] ?? {}))
    if (!known.includes(setting)) wrong(`does not read ${setting}`);
}

function deadLetters(names: Names, topology: Topology, queue: string): Record<string, string> {
  const { deadLetterQueue, maxReceiveCount } = topology.queues[queue]!;
  if (deadLetterQueue === undefined || maxReceiveCount === undefined) {
    throw new Error(`topology: queue "${queue}" feeds a function and has no dead-letter queue`);
  }
  return {
    DEAD_LETTER_QUEUE_URL: names.queueUrl(deadLetterQueue),
    MAX_RECEIVE_COUNT: String(maxReceiveCount),
  };
}
