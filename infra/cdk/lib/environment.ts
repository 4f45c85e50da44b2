/** The environment of a function: what the topology implies, and what the stage sets. */

import type { Names } from './names.js';
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
export function environment(names: Names, topology: Topology, stage: Stage, name: string): Record<string, string> {
  const it = topology.functions[name]!;
  const usesBucket = [...it.reads, ...it.writes, ...(it.deletes ?? [])].length > 0;
  const own = isFed(it.trigger) ? [it.trigger.queue] : [];
  const variables: Record<string, string> = { METRICS_NAMESPACE: names.bus };
  if (usesBucket) variables['MEDIA_BUCKET'] = names.bucket(topology.bucket.name);
  if (it.publishes.length > 0) variables['EVENT_BUS'] = names.bus;
  for (const table of Object.keys(it.tables)) variables[`${upper(table)}_TABLE`] = names.of(table);
  for (const queue of [...own, ...it.sends]) variables[`${upper(queue)}_QUEUE_URL`] = names.queueUrl(queue);
  for (const queue of own) Object.assign(variables, deadLetters(names, topology, queue));
  if (it.secrets !== undefined) variables['SECRETS'] = it.secrets.map((secret) => names.secret(secret)).join(',');
  if (it.layers?.includes('fonts')) variables['FONTS_FOLDER'] = '/opt/fonts';
  // The pages that may upload may call as well.
  if (isAsked(it.trigger) && it.writes.length > 0) variables['CORS_ORIGINS'] = stage.origins.join(',');
  for (const [setting, value] of Object.entries(stage.settings[name] ?? {})) {
    if (setting in variables) throw new Error(`stage "${stage.name}": ${setting} of ${name} follows from the topology and is not for the stage to set`);
    variables[setting] = value;
  }
  return variables;
}

function deadLetters(names: Names, topology: Topology, queue: string): Record<string, string> {
  const { deadLetterQueue, maxReceiveCount } = topology.queues[queue]!;
  if (deadLetterQueue === undefined || maxReceiveCount === undefined) {
    throw new Error(`topology: queue "${queue}" feeds a function and has no dead-letter queue`);
  }
  return { DEAD_LETTER_QUEUE_URL: names.queueUrl(deadLetterQueue), MAX_RECEIVE_COUNT: String(maxReceiveCount) };
}
