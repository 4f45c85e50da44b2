/** `infra/topology.json`: the wiring of the chain, read and checked once. */

import { type Read, list, map, number, object, optional, table, text, words } from './reading.js';
import { sharedFile } from './shared-files.js';

/** Objects created under a prefix are told to a queue. */
export interface Notification {
  readonly prefix: string;
  readonly queue: string;
}

/** Events that match a pattern go to a queue. */
export interface Rule {
  readonly name: string;
  /** An EventBridge event pattern. */
  readonly pattern: Readonly<Record<string, unknown>>;
  readonly queue: string;
}

/** A queue; a dead-letter queue is one that has none itself. */
export interface Queue {
  readonly visibilityTimeoutSecs: number;
  readonly retentionSecs: number;
  /** Deliveries before a message moves to the dead-letter queue. */
  readonly maxReceiveCount?: number;
  readonly deadLetterQueue?: string;
}

/** The key of a table or an index. */
export interface Key {
  readonly partition: string;
  readonly sort?: string;
}

/** A global secondary index, of all attributes. */
export interface Index extends Key {
  readonly name: string;
}

/** A table. */
export interface Table {
  readonly key: Key;
  /** Types of the attributes that keys are made of. */
  readonly attributes: Readonly<Record<string, 'S' | 'N' | 'B'>>;
  readonly indexes: readonly Index[];
  /** The attribute that says when a row is to be gone, in seconds since the epoch. */
  readonly expires?: string;
}

/** Messages of a queue make a function run. */
export interface QueueTrigger {
  readonly queue: string;
  readonly batchSize: number;
  readonly batchWindowSecs: number;
  readonly maximumConcurrency: number;
}

/** A clock makes a function run. */
export interface ScheduleTrigger {
  readonly everySecs: number;
}

/** Requests make a function run: method and path. */
export interface HttpTrigger {
  readonly http: string;
}

/** What makes a function run. */
export type Trigger = QueueTrigger | ScheduleTrigger | HttpTrigger;

/** What is done with a table: see `infra/topology.json`. */
export type Access = 'read' | 'write' | 'delete';

/** What has to be beside a program. */
export type Layer = 'ffmpeg' | 'fonts';

/** A function, what triggers it and what it may do. */
export interface ChainFunction {
  readonly trigger: Trigger;
  readonly timeoutSecs: number;
  readonly memoryMb: number;
  /** Prefixes of the bucket. */
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  readonly deletes?: readonly string[];
  /** Queues. */
  readonly sends: readonly string[];
  /** Kinds of facts; none: it does not put anything on the bus. */
  readonly publishes: readonly ('jobs' | 'endpoints')[];
  readonly tables: Readonly<Record<string, readonly Access[]>>;
  readonly secrets?: readonly string[];
  readonly layers?: readonly Layer[];
  /** Room for temporary files, in MiB; none: what a function has anyway. */
  readonly temporaryMb?: number;
}

/** The wiring of the chain. */
export interface Topology {
  readonly bucket: { readonly name: string; readonly notifications: readonly Notification[] };
  readonly bus: { readonly rules: readonly Rule[] };
  readonly queues: Readonly<Record<string, Queue>>;
  readonly tables: Readonly<Record<string, Table>>;
  /** Secrets, and the settings that each holds. */
  readonly secrets: Readonly<Record<string, readonly string[]>>;
  readonly functions: Readonly<Record<string, ChainFunction>>;
}

/** Whether messages of a queue make it run. */
export function isFed(trigger: Trigger): trigger is QueueTrigger {
  return 'queue' in trigger;
}

/** Whether a clock makes it run. */
export function isScheduled(trigger: Trigger): trigger is ScheduleTrigger {
  return 'everySecs' in trigger;
}

/** Whether requests make it run. */
export function isAsked(trigger: Trigger): trigger is HttpTrigger {
  return 'http' in trigger;
}

const key = { partition: text, sort: optional(text) };

const trigger: Read<Trigger> = (value, at) => {
  const has = (member: string) => typeof value === 'object' && value !== null && member in value;
  if (has('queue')) {
    const batch = { batchSize: number, batchWindowSecs: number, maximumConcurrency: number };
    return object<QueueTrigger>({ queue: text, ...batch })(value, at);
  }
  if (has('everySecs')) return object<ScheduleTrigger>({ everySecs: number })(value, at);
  return object<HttpTrigger>({ http: text })(value, at);
};

const chainFunction = object<ChainFunction>({
  trigger,
  timeoutSecs: number,
  memoryMb: number,
  reads: list(text),
  writes: list(text),
  deletes: optional(list(text)),
  sends: list(text),
  publishes: list(words('jobs', 'endpoints')),
  tables: map(list(words('read', 'write', 'delete'))),
  secrets: optional(list(text)),
  layers: optional(list(words('ffmpeg', 'fonts'))),
  temporaryMb: optional(number),
});

const topology = object<Topology & { $comment?: string }>({
  $comment: optional(text),
  bucket: object<Topology['bucket']>({
    name: text,
    notifications: list(object<Notification>({ prefix: text, queue: text })),
  }),
  bus: object<Topology['bus']>({
    rules: list(object<Rule>({ name: text, pattern: table, queue: text })),
  }),
  queues: map(
    object<Queue>({
      visibilityTimeoutSecs: number,
      retentionSecs: number,
      maxReceiveCount: optional(number),
      deadLetterQueue: optional(text),
    }),
  ),
  tables: map(
    object<Table>({
      key: object<Key>(key),
      attributes: map(words('S', 'N', 'B')),
      indexes: list(object<Index>({ name: text, ...key })),
      expires: optional(text),
    }),
  ),
  secrets: map(list(text)),
  functions: map(chainFunction),
});

/**
 * Reads a topology.
 *
 * @throws if it has a member that nothing here reads, lacks one, or names what it does not have:
 * what the topology says cannot be left out of the stacks by accident.
 */
export function parseTopology(json: string): Topology {
  const { $comment: _, ...read } = topology(JSON.parse(json), 'topology');
  checkNames(read);
  return read;
}

function checkNames(topology: Topology): void {
  const known = (kind: 'queues' | 'tables' | 'secrets', name: string, by: string) => {
    if (!Object.hasOwn(topology[kind], name)) {
      throw new Error(`topology: ${by} names "${name}", which is not among its ${kind}`);
    }
  };
  for (const { prefix, queue } of topology.bucket.notifications) known('queues', queue, `prefix ${prefix}`);
  for (const { name, queue } of topology.bus.rules) known('queues', queue, `rule ${name}`);
  for (const [name, { deadLetterQueue }] of Object.entries(topology.queues)) {
    if (deadLetterQueue !== undefined) known('queues', deadLetterQueue, `queue ${name}`);
  }
  for (const [name, it] of Object.entries(topology.functions)) {
    if (isFed(it.trigger)) known('queues', it.trigger.queue, `function ${name}`);
    for (const queue of it.sends) known('queues', queue, `function ${name}`);
    for (const table of Object.keys(it.tables)) known('tables', table, `function ${name}`);
    for (const secret of it.secrets ?? []) known('secrets', secret, `function ${name}`);
  }
}

/** The topology of the chain. */
export function readTopology(): Topology {
  const text = sharedFile('topology.json');
  if (text === undefined)
    throw new Error('there is no topology.json, neither in the repository nor in the package');
  return parseTopology(text);
}

/**
 * The same without some functions, the queues that feed them, and the rules that feed those.
 *
 * @throws if a function is not there, or something else still feeds its queue.
 */
export function without(topology: Topology, functions: readonly string[]): Topology {
  for (const name of functions) {
    if (!Object.hasOwn(topology.functions, name))
      throw new Error(`there is no function "${name}" to leave out`);
  }
  const gone = new Set<string>();
  for (const name of functions) {
    const { trigger } = topology.functions[name]!;
    if (!isFed(trigger)) continue;
    gone.add(trigger.queue);
    const dead = topology.queues[trigger.queue]!.deadLetterQueue;
    if (dead !== undefined) gone.add(dead);
  }
  const left = { ...topology, bus: { rules: topology.bus.rules.filter((rule) => !gone.has(rule.queue)) } };
  const keep = <T>(all: Readonly<Record<string, T>>, isGone: (name: string) => boolean) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => !isGone(name)));
  const narrow = {
    ...left,
    queues: keep(topology.queues, (name) => gone.has(name)),
    functions: keep(topology.functions, (name) => functions.includes(name)),
  };
  checkNames(narrow);
  return narrow;
}
