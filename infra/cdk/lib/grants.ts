/** What a function may do: exactly what its ports ask AWS for, on exactly what the topology names. */

import { PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';

import { type Names, deadLettersOf } from './names.js';
import { type Access, type ChainFunction, type Topology, isFed, isScheduled } from './topology.js';

/** What `crates/aws` calls for each kind of access. A condition on a row is part of its put or update. */
const TABLE_ACTIONS: Readonly<Record<Access, readonly string[]>> = {
  read: ['dynamodb:GetItem', 'dynamodb:Query'],
  write: ['dynamodb:PutItem', 'dynamodb:UpdateItem'],
  delete: ['dynamodb:DeleteItem'],
};

/** The function that hands out presigned URLs and answers how the stage is. */
const API = 'api';

/** One statement. */
export function allow(
  sid: string,
  actions: readonly string[],
  resources: readonly string[],
): PolicyStatement {
  return new PolicyStatement({ sid, actions: [...actions], resources: [...resources] });
}

/** A policy with these statements, as they are: without CDK's shortening, which hides what belongs together. */
export function policy(...statements: readonly PolicyStatement[]): PolicyDocument {
  return new PolicyDocument({ statements: [...statements], minimize: false });
}

/** The statements for the role of a function. */
export function grants(names: Names, topology: Topology, name: string): PolicyStatement[] {
  const it = topology.functions[name];
  if (it === undefined) throw new Error(`there is no function "${name}" in the topology`);
  return [
    ...objects(names, topology, it),
    ...queues(names, topology, it),
    ...tables(names, topology, it),
    ...bus(names, it),
    ...secrets(names, it),
    ...(name === API ? apiCalls(names, topology, it) : []),
    ...(isScheduled(it.trigger) ? lostInvocations(names, name) : []),
    ...telemetry(names, name),
  ];
}

/** Below a prefix keys are made up by jobs and users, hence the star behind it. */
function below(names: Names, topology: Topology, prefixes: readonly string[]): string[] {
  return prefixes.map((prefix) => `${names.bucketArn(topology.bucket.name)}/${prefix}*`);
}

function objects(names: Names, topology: Topology, it: ChainFunction): PolicyStatement[] {
  const deletes = it.deletes ?? [];
  const statements = [];
  if (it.reads.length > 0) {
    statements.push(
      allow('ReadObjects', ['s3:GetObject'], below(names, topology, it.reads)),
      // Whoever may not list is told 403 instead of 404 of an object that is not there, and "not
      // there" is what says that a stage has yet to do its work. A condition on the prefix would not
      // do: HEAD and GET of an object carry none. Source: Amazon S3 API Reference, `HeadObject`.
      allow('FindObjects', ['s3:ListBucket'], [names.bucketArn(topology.bucket.name)]),
    );
  }
  if (it.writes.length > 0) {
    // An upload in parts needs no more than a put, until it is given up.
    const actions = ['s3:PutObject', 's3:AbortMultipartUpload'];
    statements.push(allow('WriteObjects', actions, below(names, topology, it.writes)));
  }
  if (deletes.length > 0)
    statements.push(allow('DeleteObjects', ['s3:DeleteObject'], below(names, topology, deletes)));
  return statements;
}

function queues(names: Names, topology: Topology, it: ChainFunction): PolicyStatement[] {
  const statements = [];
  if (isFed(it.trigger)) {
    const { queue } = it.trigger;
    const dead = topology.queues[queue]!.deadLetterQueue;
    statements.push(
      // The first three are the event source mapping's, which acts with the role of its function.
      allow(
        'ReceiveMessages',
        ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility'],
        [names.queueArn(queue)],
      ),
    );
    if (dead !== undefined)
      statements.push(allow('BuryMessages', ['sqs:SendMessage'], [names.queueArn(dead)]));
  }
  if (it.sends.length > 0) {
    statements.push(
      allow(
        'SendMessages',
        ['sqs:SendMessage'],
        it.sends.map((queue) => names.queueArn(queue)),
      ),
    );
  }
  return statements;
}

function tables(names: Names, topology: Topology, it: ChainFunction): PolicyStatement[] {
  const used = Object.entries(it.tables).filter(([, accesses]) => accesses.length > 0);
  return used.map(([table, accesses]) => {
    const indexes = accesses.includes('read') ? topology.tables[table]!.indexes : [];
    const own = names.tableArn(table);
    return allow(
      `Use${table.charAt(0).toUpperCase()}${table.slice(1)}`,
      accesses.flatMap((access) => TABLE_ACTIONS[access]),
      [own, ...indexes.map((index) => `${own}/index/${index.name}`)],
    );
  });
}

/** The one fact that is about an endpoint of webhooks and not about a job. */
const ABOUT_ENDPOINTS = 'WebhookEndpointDisabled.v1';

/** Whoever delivers facts about jobs cannot tell any: its own deliveries would have it run again. */
function bus(names: Names, { publishes }: ChainFunction): PolicyStatement[] {
  if (publishes.length === 0) return [];
  const publish = allow('Publish', ['events:PutEvents'], [names.busArn]);
  const both = publishes.includes('jobs') && publishes.includes('endpoints');
  const operator = publishes.includes('jobs') ? 'StringNotEquals' : 'StringEquals';
  if (!both) publish.addCondition(operator, { 'events:detail-type': ABOUT_ENDPOINTS });
  return [publish];
}

function secrets(names: Names, it: ChainFunction): PolicyStatement[] {
  const arns = (it.secrets ?? []).map((secret) => names.secretArn(secret));
  // The second tells a secret that has no value yet, which is well, from one that is not there.
  const actions = ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'];
  return arns.length > 0 ? [allow('ReadSecrets', actions, arns)] : [];
}

/** What follows from the API's calls and not from the wiring: uploads in parts, and `/v1/health`. */
function apiCalls(names: Names, topology: Topology, it: ChainFunction): PolicyStatement[] {
  return [
    allow('ListParts', ['s3:ListMultipartUploadParts'], below(names, topology, it.writes)),
    allow(
      'LookAtQueues',
      ['sqs:GetQueueAttributes'],
      it.sends.map((queue) => names.queueArn(queue)),
    ),
    allow('LookAtBus', ['events:DescribeEventBus'], [names.busArn]),
  ];
}

/** Lambda sends an invocation that failed there with the role of the function. */
function lostInvocations(names: Names, name: string): PolicyStatement[] {
  return [allow('BuryInvocations', ['sqs:SendMessage'], [names.queueArn(deadLettersOf(name))])];
}

function telemetry(names: Names, name: string): PolicyStatement[] {
  return [
    // Behind the colon are the streams of its own group, which Lambda names.
    allow('WriteLogs', ['logs:CreateLogStream', 'logs:PutLogEvents'], [`${names.logGroupArn(name)}:*`]),
    // X-Ray has no resources that could be named.
    allow('WriteTraces', ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], ['*']),
  ];
}
