/**
 * Field by field what the templates wire, in the words in which the local runner writes down what it
 * wires (infra/wiring.json).
 */

import type { Topology } from '../topology.js';
import { every, functionOf, prefixOf } from './graph.js';
import { list, type Templates } from './templates.js';

/** What infra/wiring.json holds. */
export interface LocalWiring {
  buckets: {
    name: string;
    notifications: { id: string; prefix: string; suffix?: string; queue: string }[];
    corsOrigins: string[];
  }[];
  queues: {
    name: string;
    visibilityTimeoutSecs: number;
    retentionSecs: number;
    redrive?: { deadLetterQueue: string; maxReceiveCount: number };
  }[];
  tables: {
    name: string;
    key: { partition: string; sort?: string };
    indexes: { name: string; partition: string; sort?: string }[];
    attributeTypes: Record<string, string>;
    ttlAttribute?: string;
  }[];
  buses: { name: string; rules: { name: string; pattern: unknown; targets: { queue: string }[] }[] }[];
  mappings: {
    function: string;
    queue: string;
    batchSize: number;
    batchWindowSecs: number;
    maximumConcurrency: number;
    functionTimeoutSecs: number;
  }[];
  schedules: { function: string; everySecs: number; functionTimeoutSecs: number }[];
}

/** `queue render: visibilityTimeoutSecs` → its value, as text. */
export type Fields = Map<string, string>;

/** The fields of what the local runner wires. */
export function localFields(local: LocalWiring): Fields {
  const fields: Fields = new Map();
  const short = (name: string) => name.replace(/^stillmotion-/, '');
  for (const bucket of local.buckets) {
    for (const { prefix, suffix, queue } of bucket.notifications) {
      fields.set(`prefix ${prefix}: queue`, short(queue));
      fields.set(`prefix ${prefix}: suffix`, suffix ?? '');
      fields.set(`prefix ${prefix}: events`, 's3:ObjectCreated:*');
    }
  }
  for (const { name, visibilityTimeoutSecs, retentionSecs, redrive } of local.queues) {
    queue(fields, short(name), {
      visibilityTimeoutSecs,
      retentionSecs,
      deadLetterQueue: redrive && short(redrive.deadLetterQueue),
      maxReceiveCount: redrive?.maxReceiveCount,
    });
  }
  for (const { name, key, indexes, attributeTypes, ttlAttribute } of local.tables) {
    table(fields, short(name), { key, indexes, attributeTypes, ttlAttribute });
  }
  for (const bus of local.buses) {
    for (const { name, pattern, targets } of bus.rules) {
      rule(fields, short(name), pattern, targets.map((target) => short(target.queue)));
    }
  }
  for (const { function: name, queue: from, ...rest } of local.mappings) {
    mapping(fields, name, { queue: short(from), ...rest, partialBatchResponse: true, filters: 0 });
  }
  for (const { function: name, everySecs, functionTimeoutSecs } of local.schedules) {
    fields.set(`function ${name}: runs`, `every ${everySecs} s`);
    fields.set(`function ${name}: functionTimeoutSecs`, String(functionTimeoutSecs));
  }
  return fields;
}

/** The fields of what the templates wire. */
export function builtFields(templates: Templates): Fields {
  const fields: Fields = new Map();
  builtNotifications(templates, fields);
  builtQueues(templates, fields);
  builtTables(templates, fields);
  builtRules(templates, fields);
  builtMappings(templates, fields);
  builtSchedules(templates, fields);
  return fields;
}

function builtNotifications(templates: Templates, fields: Fields): void {
  for (const { properties, template } of templates.all('AWS::S3::Bucket')) {
    const events = new Map<string, string[]>();
    for (const one of list(properties.NotificationConfiguration?.QueueConfigurations) as any[]) {
      const prefix = prefixOf(one);
      const filters: any[] = list(one.Filter?.S3Key?.Rules);
      const suffix = filters.find((filter) => String(filter.Name).toLowerCase() === 'suffix')?.Value ?? '';
      events.set(prefix, [...(events.get(prefix) ?? []), one.Event]);
      fields.set(`prefix ${prefix}: queue`, templates.thing(templates.text(one.Queue, template)).name);
      fields.set(`prefix ${prefix}: suffix`, suffix);
    }
    for (const [prefix, names] of events) fields.set(`prefix ${prefix}: events`, names.sort().join(', '));
  }
}

function builtQueues(templates: Templates, fields: Fields): void {
  for (const found of templates.all('AWS::SQS::Queue')) {
    const { VisibilityTimeout, MessageRetentionPeriod, RedrivePolicy } = found.properties;
    const dead = RedrivePolicy && templates.thing(templates.text(RedrivePolicy.deadLetterTargetArn, found.template)).name;
    queue(fields, templates.named(found), {
      visibilityTimeoutSecs: VisibilityTimeout ?? 30,
      retentionSecs: MessageRetentionPeriod ?? 345_600,
      deadLetterQueue: dead,
      maxReceiveCount: RedrivePolicy?.maxReceiveCount,
    });
  }
}

function builtTables(templates: Templates, fields: Fields): void {
  const key = (schema: any[]) => ({
    partition: schema.find((part) => part.KeyType === 'HASH')?.AttributeName,
    sort: schema.find((part) => part.KeyType === 'RANGE')?.AttributeName,
  });
  for (const found of templates.all('AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable')) {
    const { KeySchema, AttributeDefinitions, TimeToLiveSpecification } = found.properties;
    const name = templates.named(found);
    const indexes = list(found.properties.GlobalSecondaryIndexes) as any[];
    table(fields, name, {
      key: key(KeySchema),
      indexes: indexes.map((index) => ({ name: index.IndexName, ...key(index.KeySchema) })),
      attributeTypes: Object.fromEntries(
        (AttributeDefinitions as any[]).map((one) => [one.AttributeName, one.AttributeType]),
      ),
      ttlAttribute: TimeToLiveSpecification?.Enabled ? TimeToLiveSpecification.AttributeName : undefined,
    });
    for (const index of indexes) {
      if (index.Projection.ProjectionType !== 'ALL') {
        fields.set(`table ${name}: index ${index.IndexName} projects`, index.Projection.ProjectionType);
      }
    }
  }
}

function builtRules(templates: Templates, fields: Fields): void {
  for (const found of templates.all('AWS::Events::Rule')) {
    const { EventPattern, Targets, State } = found.properties;
    const targets = list(Targets) as any[];
    const queues = targets
      .map((target) => templates.thing(templates.text(target.Arn, found.template)))
      .filter((thing) => thing.kind === 'queue');
    if (queues.length === 0) continue;
    const name = templates.named(found);
    rule(fields, name, EventPattern, queues.map((thing) => thing.name));
    if (State === 'DISABLED') fields.set(`rule ${name}: state`, State);
    for (const target of targets) {
      const changed = ['Input', 'InputPath', 'InputTransformer'].filter((property) => property in target);
      if (changed.length > 0) fields.set(`rule ${name}: changes events by`, changed.join(', '));
    }
  }
}

function builtMappings(templates: Templates, fields: Fields): void {
  const timeouts = functionTimeouts(templates);
  for (const { properties, template } of templates.all('AWS::Lambda::EventSourceMapping')) {
    const name = functionOf(templates, properties.FunctionName, template);
    mapping(fields, name, {
      queue: templates.thing(templates.text(properties.EventSourceArn, template)).name,
      batchSize: properties.BatchSize ?? 10,
      batchWindowSecs: properties.MaximumBatchingWindowInSeconds ?? 0,
      maximumConcurrency: properties.ScalingConfig?.MaximumConcurrency,
      functionTimeoutSecs: timeouts.get(name) ?? 3,
      partialBatchResponse: list(properties.FunctionResponseTypes).includes('ReportBatchItemFailures'),
      filters: list(properties.FilterCriteria?.Filters).length,
    });
    if (properties.Enabled === false) fields.set(`function ${name}: mapping`, 'disabled');
  }
}

function builtSchedules(templates: Templates, fields: Fields): void {
  const timeouts = functionTimeouts(templates);
  const add = (name: string, expression: string) => {
    fields.set(`function ${name}: runs`, every(expression));
    fields.set(`function ${name}: functionTimeoutSecs`, String(timeouts.get(name) ?? 3));
  };
  for (const { properties, template } of templates.all('AWS::Scheduler::Schedule')) {
    add(templates.thing(templates.text(properties.Target?.Arn, template)).name, properties.ScheduleExpression);
  }
  for (const { properties, template } of templates.all('AWS::Events::Rule')) {
    if (!properties.ScheduleExpression) continue;
    for (const target of list(properties.Targets) as any[]) {
      add(templates.thing(templates.text(target.Arn, template)).name, properties.ScheduleExpression);
    }
  }
}

/** How long each function may take, in seconds. */
export function functionTimeouts(templates: Templates): Map<string, number> {
  return new Map(
    templates.all('AWS::Lambda::Function').map((found) => [templates.named(found), found.properties.Timeout ?? 3]),
  );
}

function queue(fields: Fields, name: string, values: Record<string, unknown>): void {
  for (const [field, value] of Object.entries(values)) fields.set(`queue ${name}: ${field}`, String(value ?? 'none'));
}

function table(fields: Fields, name: string, values: any): void {
  const key = (of: any) => [of.partition, of.sort].filter(Boolean).join(' and ');
  fields.set(`table ${name}: key`, key(values.key));
  fields.set(`table ${name}: expires`, values.ttlAttribute ?? 'never');
  for (const index of values.indexes) fields.set(`table ${name}: index ${index.name}`, key(index));
  for (const [attribute, type] of Object.entries(values.attributeTypes)) {
    fields.set(`table ${name}: type of ${attribute}`, String(type));
  }
}

function rule(fields: Fields, name: string, pattern: any, queues: string[]): void {
  fields.set(`rule ${name}: targets`, queues.sort().join(', '));
  for (const [field, value] of Object.entries(pattern ?? {})) {
    fields.set(`rule ${name}: ${field}`, JSON.stringify(value));
  }
}

function mapping(fields: Fields, name: string, values: Record<string, unknown>): void {
  for (const [field, value] of Object.entries(values)) {
    fields.set(`function ${name}: ${field}`, String(value ?? 'none'));
  }
}

/**
 * Where the two do not agree, one line a field. What only AWS has (queues for what services could not
 * hand over) and what a stage does without is not compared: the topology of the stage has neither.
 */
export function fieldDifferences(built: Fields, local: Fields, topology: Topology): string[] {
  const known = new Set([
    ...topology.bucket.notifications.map(({ prefix }) => `prefix ${prefix}`),
    ...topology.bus.rules.map(({ name }) => `rule ${name}`),
    ...Object.keys(topology.queues).map((name) => `queue ${name}`),
    ...Object.keys(topology.tables).map((name) => `table ${name}`),
    ...Object.keys(topology.functions).map((name) => `function ${name}`),
  ]);
  const names = [...new Set([...built.keys(), ...local.keys()])].sort();
  return names
    .filter((name) => known.has(name.split(': ')[0]!) && built.get(name) !== local.get(name))
    .map((name) => `${name} is ${built.get(name) ?? 'absent'} in the template, ${local.get(name) ?? 'absent'} locally`);
}
