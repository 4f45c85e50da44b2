/** Each mistake that could be made is seeded, and found, in words that say where it is. */

import type { CfnResource } from 'aws-cdk-lib';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { CfnEventSourceMapping, CfnFunction, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type Stillmotion, stages } from '../lib/index.js';
import { problems } from '../lib/proof/problems.js';
import { type Found, list, type Templates } from '../lib/proof/templates.js';
import { readTopology, type Topology } from '../lib/topology.js';
import { promised } from './promised.js';
import { built, copy, synthesised, templatesOf, topologyOf } from './synth.js';

/** A resource of the stage by its type and its name in the topology. */
function one(templates: Templates, type: string, name: string): Found {
  const found = templates.all(type).find((it) => templates.named(it) === name);
  if (!found) throw new Error(`there is no ${type} ${name}`);
  return found;
}

/** The event source mapping of a function. */
function mapping(templates: Templates, name: string): Found {
  const id = one(templates, 'AWS::Lambda::Function', name).id;
  return templates.all('AWS::Lambda::EventSourceMapping').find(({ properties }) => properties.FunctionName.Ref === id)!;
}

/** The role of a function. */
function roleOf(templates: Templates, name: string): Found {
  const [id] = one(templates, 'AWS::Lambda::Function', name).properties.Role['Fn::GetAtt'];
  return templates.all('AWS::IAM::Role').find((it) => it.id === id)!;
}

/** Adds a statement to the role of a function. */
function allow(templates: Templates, name: string, action: string | string[], resource: unknown, more: object = {}): void {
  const { Statement } = roleOf(templates, name).properties.Policies[0].PolicyDocument;
  Statement.push({ Effect: 'Allow', Action: action, Resource: resource, ...more });
}

/** The policy of a queue. */
function queuePolicy(templates: Templates, name: string): Record<string, any> {
  const { id } = one(templates, 'AWS::SQS::Queue', name);
  return templates.all('AWS::SQS::QueuePolicy').find(({ properties }) => properties.Queues[0].Ref === id)!.properties;
}

/** The statement by which a queue lets its sender in. */
function admission(templates: Templates, name: string): Record<string, any> {
  return queuePolicy(templates, name).PolicyDocument.Statement.find((it: any) => it.Effect === 'Allow');
}

const arn = (service: string, rest: string) => ({
  'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:${service}:`, { Ref: 'AWS::Region' }, ':', { Ref: 'AWS::AccountId' }, `:${rest}`]],
});
const key = (prefix: string) => ({ 'Fn::Sub': `arn:\${AWS::Partition}:s3:::stillmotion-prod-media-\${AWS::AccountId}-\${AWS::Region}/${prefix}*` });

/** A mistake in a template, and every line that is said of it. */
type Mistake = [what: string, make: (templates: Templates) => void, lines: string[]];

const MISTAKES: Mistake[] = [
  [
    'render writes where its own input lies',
    (templates) => allow(templates, 'render', 's3:PutObject', key('ltx-videos/')),
    [
      'a circle: function render → prefix ltx-videos/ → queue render → function render',
      'the template has function render → prefix ltx-videos/, which topology.json has not',
      "function render's role may write prefix ltx-videos/, which topology.json does not say",
    ],
  ],
  [
    'supabase sends to the queue of the render',
    (templates) => allow(templates, 'supabase', 'sqs:SendMessage', arn('sqs', 'stillmotion-prod-render')),
    [
      'a circle: function render → event JobCancelled.v1 → queue supabase → function supabase → queue render → function render',
      'the template has function supabase → queue render, which topology.json has not',
    ],
  ],
  [
    'a function may write everywhere',
    (templates) => allow(templates, 'ingest', 's3:PutObject', key('')),
    [
      'a circle: function fetch → prefix uploads/ → queue ingest → function ingest → every key → prefix fetch-requests/ → queue fetch → function fetch',
      'a circle: function ingest → every key → prefix uploads/ → queue ingest → function ingest',
      'the template has every key → prefix fetch-requests/, which topology.json has not',
      'the template has every key → prefix ltx-videos/, which topology.json has not',
      'the template has every key → prefix render-requests/, which topology.json has not',
      'the template has every key → prefix uploads/, which topology.json has not',
      'the template has function ingest → every key, which topology.json has not',
      "function ingest's role may s3:PutObject on every key: a star without a reason",
      "function ingest's role may write every key, which topology.json does not say",
    ],
  ],
  [
    'deliver tells facts about jobs',
    (templates) => {
      const { Statement } = roleOf(templates, 'deliver').properties.Policies[0].PolicyDocument;
      delete Statement.find((it: any) => it.Action === 'events:PutEvents').Condition;
    },
    [
      'a circle: function deliver → event JobCancelled.v1 → queue notify → function notify → queue deliver → function deliver',
      'the template has function deliver → event GenerationStarted.v1, JobCancelled.v1, JobCreated.v1, JobDeleted.v1, JobExpired.v1, ' +
        'JobFailed.v1, JobRedriven.v1, LtxDone.v1, PhotoAccepted.v1, PhotoRefused.v1, RenderRequested.v1, RenderStarted.v1, Rendered.v1, ' +
        'RerenderFailed.v1, which topology.json has not',
    ],
  ],
  [
    'a queue has no dead-letter queue',
    (templates) => delete one(templates, 'AWS::SQS::Queue', 'render').properties.RedrivePolicy,
    [
      'topology.json has queue render → queue render-dead, which the template has not',
      'queue render has no dead-letter queue',
      'queue render-dead has no dead-letter queue',
      'queue render: deadLetterQueue is none in the template, render-dead locally',
      'queue render: maxReceiveCount is none in the template, 5 locally',
    ],
  ],
  [
    'a dead-letter queue forgets before its queue does',
    (templates) => (one(templates, 'AWS::SQS::Queue', 'ltx-dead').properties.MessageRetentionPeriod = 86_400),
    [
      'queue ltx-dead keeps a message 86400 s, not longer than the 864000 s of queue ltx',
      'queue ltx-dead: retentionSecs is 86400 in the template, 1209600 locally',
    ],
  ],
  [
    'a dead-letter queue forgets when its queue does',
    (templates) => (one(templates, 'AWS::SQS::Queue', 'ltx-dead').properties.MessageRetentionPeriod = 864_000),
    [
      'queue ltx-dead keeps a message 864000 s, not longer than the 864000 s of queue ltx',
      'queue ltx-dead: retentionSecs is 864000 in the template, 1209600 locally',
    ],
  ],
  [
    'a visibility time-out is too short',
    (templates) => (one(templates, 'AWS::SQS::Queue', 'render').properties.VisibilityTimeout = 30),
    [
      'queue render shows a message again after 30 s while function render may take 900 s',
      'queue render: visibilityTimeoutSecs is 30 in the template, 5400 locally',
    ],
  ],
  [
    'a function may take longer than its queue waits',
    (templates) => (one(templates, 'AWS::Lambda::Function', 'notify').properties.Timeout = 61),
    [
      'queue notify shows a message again after 360 s while function notify may take 61 s',
      'function notify: functionTimeoutSecs is 61 in the template, 60 locally',
    ],
  ],
  [
    'a role may invoke a function',
    (templates) => allow(templates, 'notify', 'lambda:InvokeFunction', arn('lambda', 'function:stillmotion-prod-render')),
    [
      'a circle: function notify → function render → event JobCancelled.v1 → queue notify → function notify',
      'the template has function notify → function render, which topology.json has not',
      "function notify's role may lambda:InvokeFunction on function render",
    ],
  ],
  [
    'a role may invoke whatever it likes, by a star',
    (templates) => allow(templates, 'sweep', 'lambda:Invoke*', '*'),
    [
      'a circle: function sweep → function sweep',
      'the template has function sweep → function api, which topology.json has not',
      'the template has function sweep → function deliver, which topology.json has not',
      'the template has function sweep → function fetch, which topology.json has not',
      'the template has function sweep → function ingest, which topology.json has not',
      'the template has function sweep → function ltx, which topology.json has not',
      'the template has function sweep → function notify, which topology.json has not',
      'the template has function sweep → function provider-webhook, which topology.json has not',
      'the template has function sweep → function render, which topology.json has not',
      'the template has function sweep → function supabase, which topology.json has not',
      'the template has function sweep → function sweep, which topology.json has not',
      "function sweep's role may lambda:Invoke* on every function",
    ],
  ],
  [
    'a role may become another',
    (templates) => allow(templates, 'api', 'sts:AssumeRole', '*'),
    [
      "function api's role may sts:AssumeRole on thing *, and so become another",
      "function api's role may sts:AssumeRole on *: a star without a reason",
      "function api's role may sts:AssumeRole on thing *, which nothing of topology.json asks for",
    ],
  ],
  [
    'a role has a policy of somebody else',
    (templates) =>
      (roleOf(templates, 'render').properties.ManagedPolicyArns = ['arn:aws:iam::aws:policy/AmazonS3FullAccess']),
    [
      "function render's role has the policy AmazonS3FullAccess, whose statements the templates do not have",
      'AWS::IAM::Role renderRole1D105895 has its partition written in: arn:aws:iam::aws:policy/AmazonS3FullAccess',
    ],
  ],
  [
    'a role may do everything but',
    (templates) => {
      const { Statement } = roleOf(templates, 'render').properties.Policies[0].PolicyDocument;
      Statement.push({ Effect: 'Allow', NotAction: 'iam:*', Resource: '*' });
    },
    ["function render's role has a statement with NotAction or NotResource"],
  ],
  [
    'a function has the role of nobody knows whom',
    (templates) => (one(templates, 'AWS::Lambda::Function', 'supabase').properties.Role = 'arn:aws:iam::123456789012:role/admin'),
    [
      'topology.json has function supabase → queue supabase-dead, which the template has not',
      "function supabase's role has the role arn:aws:iam::123456789012:role/admin, which the templates do not have",
      'AWS::Lambda::Function supabaseFunctionEC72B79B has its partition written in: arn:aws:iam::123456789012:role/admin',
      "function supabase's role may not read table jobs, which topology.json says",
      "function supabase's role may not read secret supabase, which topology.json says",
      "function supabase's role may not receive queue supabase, which topology.json says",
    ],
  ],
  [
    'an action has a star',
    (templates) => allow(templates, 'notify', 'dynamodb:*', arn('dynamodb', 'table/stillmotion-prod-deliveries')),
    [
      "function notify's role may dynamodb:* on table deliveries: a star without a reason",
      "function notify's role may delete table deliveries, which topology.json does not say",
    ],
  ],
  [
    'a resource is a star',
    (templates) => allow(templates, 'render', 'secretsmanager:GetSecretValue', '*'),
    [
      "function render's role may secretsmanager:GetSecretValue on *: a star without a reason",
      "function render's role may read thing *, which topology.json does not say",
    ],
  ],
  [
    'a role may what the function does not do',
    (templates) => allow(templates, 'deliver', 'dynamodb:DeleteTable', arn('dynamodb', 'table/stillmotion-prod-jobs')),
    ["function deliver's role may dynamodb:DeleteTable on table jobs, which nothing of topology.json asks for"],
  ],
  [
    'a role may not what the function does',
    (templates) => {
      const policy = roleOf(templates, 'render').properties.Policies[0].PolicyDocument;
      policy.Statement = policy.Statement.filter((it: any) => it.Sid !== 'FindObjects');
    },
    ["function render's role may not list bucket media, which topology.json says"],
  ],
  [
    'what is not there is refused',
    (templates) => {
      const { Statement } = roleOf(templates, 'render').properties.Policies[0].PolicyDocument;
      Statement.find((it: any) => it.Sid === 'FindObjects').Condition = { StringLike: { 's3:prefix': ['ltx-videos/*'] } };
    },
    ["function render's role lists the bucket under a condition on s3:prefix: S3 then refuses what is not there instead of saying so"],
  ],
  [
    'a role names the partition itself',
    (templates) => {
      const { Statement } = roleOf(templates, 'notify').properties.Policies[0].PolicyDocument;
      const logs = Statement.find((it: any) => list(it.Action).includes('logs:PutLogEvents'));
      logs.Resource = 'arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/stillmotion-prod-notify:*';
    },
    [
      'AWS::IAM::Role notifyRoleDC131F1B has its partition written in: ' +
        'arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/stillmotion-prod-notify:*',
    ],
  ],
  [
    'a variable has an address of one partition',
    (templates) =>
      (one(templates, 'AWS::Lambda::Function', 'api').properties.Environment.Variables.INGEST_QUEUE_URL = {
        'Fn::Sub': 'https://sqs.${AWS::Region}.amazonaws.com/${AWS::AccountId}/stillmotion-prod-ingest',
      }),
    [
      'AWS::Lambda::Function apiFunction2C95D0E5 has its partition written in: ' +
        'https://sqs.${AWS::Region}.amazonaws.com/${AWS::AccountId}/stillmotion-prod-ingest',
    ],
  ],
  [
    'prefixes overlap',
    (templates) => {
      const bucket = one(templates, 'AWS::S3::Bucket', 'media').properties;
      const [, fetch] = bucket.NotificationConfiguration.QueueConfigurations;
      fetch.Filter.S3Key.Rules[0].Value = 'uploads/clips/';
    },
    [
      'a circle: function fetch → prefix uploads/ → prefix uploads/clips/ → queue fetch → function fetch',
      'the template has prefix uploads/ → prefix uploads/clips/, which topology.json has not',
      'the template has prefix uploads/clips/ → queue fetch, which topology.json has not',
      'topology.json has prefix fetch-requests/ → queue fetch, which the template has not',
      'prefixes uploads/ and uploads/clips/ overlap',
      'prefix fetch-requests/: events is absent in the template, s3:ObjectCreated:* locally',
      'prefix fetch-requests/: queue is absent in the template, fetch locally',
      'prefix fetch-requests/: suffix is absent in the template,  locally',
    ],
  ],
  [
    'objects of a kind are told only when they are put',
    (templates) =>
      (one(templates, 'AWS::S3::Bucket', 'media').properties.NotificationConfiguration.QueueConfigurations[2].Event = 's3:ObjectCreated:Put'),
    ['prefix ltx-videos/: events is s3:ObjectCreated:Put in the template, s3:ObjectCreated:* locally'],
  ],
  [
    'a bucket takes requests without TLS',
    (templates) => {
      const { PolicyDocument } = templates.all('AWS::S3::BucketPolicy').find((it) => it.id.startsWith('MediaPolicy'))!.properties;
      PolicyDocument.Statement = PolicyDocument.Statement.filter((it: any) => it.Effect !== 'Deny');
    },
    ['bucket media takes requests without TLS'],
  ],
  [
    'a bucket lets everybody in',
    (templates) => {
      const { PolicyDocument } = templates.all('AWS::S3::BucketPolicy').find((it) => it.id.startsWith('MediaPolicy'))!.properties;
      PolicyDocument.Statement.push({ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: '*' });
    },
    ['bucket media lets everybody in: s3:GetObject'],
  ],
  [
    'a queue does not let the bucket in',
    (templates) => {
      for (const { properties } of templates.all('AWS::SQS::QueuePolicy')) {
        const { PolicyDocument } = properties;
        if (!JSON.stringify(PolicyDocument).includes('stillmotion-prod-ingest')) continue;
        PolicyDocument.Statement = PolicyDocument.Statement.filter((it: any) => it.Effect === 'Deny');
      }
    },
    ['bucket media may not send to queue ingest: its policy lets nobody send'],
  ],
  [
    'a queue lets another bucket in',
    (templates) => (admission(templates, 'ingest').Condition.ArnEquals['aws:SourceArn'] = 'arn:*:s3:::stillmotion-prod-medium'),
    ['bucket media may not send to queue ingest: its policy lets arn:*:s3:::stillmotion-prod-medium send'],
  ],
  [
    'a queue lets the rule of another bus in',
    (templates) => (admission(templates, 'notify').Condition.ArnEquals['aws:SourceArn'] = arn('events', 'rule/stillmotion-prod-notify')),
    [
      'rule notify may not send to queue notify: its policy lets ' +
        'arn:{partition}:events:{region}:{account}:rule/stillmotion-prod-notify send',
    ],
  ],
  [
    'a queue forbids what it allows',
    (templates) => {
      const { Statement } = queuePolicy(templates, 'render').PolicyDocument;
      Statement.push({ Effect: 'Deny', Principal: '*', Action: 'sqs:Send*', Resource: Statement[0].Resource });
    },
    ['bucket media may not send to queue render: its policy forbids it'],
  ],
  [
    'a dead-letter queue does not let the rule in',
    (templates) => {
      const { PolicyDocument } = queuePolicy(templates, 'notify-dead');
      PolicyDocument.Statement = PolicyDocument.Statement.filter((it: any) => it.Effect === 'Deny');
    },
    ['rule notify may not send to queue notify-dead: its policy lets nobody send'],
  ],
  [
    'a dead-letter queue does not let the rule of n8n in, which has a role',
    (templates) => (admission(templates, 'n8n-dead').Principal.Service = 'sns.amazonaws.com'),
    [
      'rule n8n may not send to queue n8n-dead: its policy lets ' +
        'arn:{partition}:events:{region}:{account}:rule/stillmotion-prod/stillmotion-prod-n8n send',
    ],
  ],
  [
    'a schedule cannot bury what it could not run',
    (templates) => {
      const role = templates.all('AWS::IAM::Role').find((it) => it.id.startsWith('sweepScheduleRole'))!;
      const { PolicyDocument } = role.properties.Policies[0];
      PolicyDocument.Statement = PolicyDocument.Statement.filter((it: any) => it.Sid !== 'Bury');
    },
    ['schedule sweep may not send to queue sweep-dead: its role does not allow it'],
  ],
  [
    'failures of a batch are not told apart',
    (templates) => delete mapping(templates, 'ingest').properties.FunctionResponseTypes,
    [
      'function ingest cannot say which messages of queue ingest failed: no ReportBatchItemFailures',
      'function ingest: partialBatchResponse is false in the template, true locally',
    ],
  ],
  [
    'messages are filtered away',
    (templates) => (mapping(templates, 'notify').properties.FilterCriteria = { Filters: [{ Pattern: '{}' }] }),
    ['function notify: filters is 1 in the template, 0 locally'],
  ],
  [
    'a consumer has a reserved concurrency',
    (templates) => (one(templates, 'AWS::Lambda::Function', 'ltx').properties.ReservedConcurrentExecutions = 2),
    ['function ltx has a reserved concurrency of 2: what queue ltx cannot hand over ends as a dead letter'],
  ],
  [
    'nothing limits what runs at once',
    (templates) => delete mapping(templates, 'ltx').properties.ScalingConfig,
    [
      'queue ltx feeds function ltx without a maximum concurrency',
      'function ltx: maximumConcurrency is none in the template, 2 locally',
    ],
  ],
  [
    'two functions take from one queue',
    (templates) => {
      const { properties } = mapping(templates, 'notify');
      properties.EventSourceArn = mapping(templates, 'supabase').properties.EventSourceArn;
    },
    [
      'the template has queue supabase → function notify, which topology.json has not',
      'topology.json has queue notify → function notify, which the template has not',
      'queue supabase feeds 2 functions: notify, supabase',
      'function notify: queue is supabase in the template, notify locally',
    ],
  ],
  [
    'a batch has another size',
    (templates) => (mapping(templates, 'supabase').properties.BatchSize = 10),
    ['function supabase: batchSize is 10 in the template, 5 locally'],
  ],
  [
    'a function may be invoked by everybody',
    (templates) => {
      templates.each[1]!.Resources!['Open'] = {
        Type: 'AWS::Lambda::Permission',
        Properties: { Action: 'lambda:InvokeFunction', Principal: '*', FunctionName: arn('lambda', 'function:stillmotion-prod-ltx') },
      };
    },
    ['function ltx may be invoked by *'],
  ],
  [
    'a secret is a plain variable',
    (templates) => (one(templates, 'AWS::Lambda::Function', 'ltx').properties.Environment.Variables.LTX_API_KEY = 'abc'),
    ['function ltx has the secret LTX_API_KEY as a plain variable'],
  ],
  [
    'a secret is put in a variable when it is deployed',
    (templates) =>
      (one(templates, 'AWS::Lambda::Function', 'ltx').properties.Environment.Variables.CAP_DAY_USD =
        '{{resolve:secretsmanager:stillmotion/prod/providers:SecretString:FAL_KEY}}'),
    ['function ltx has a secret in its variable CAP_DAY_USD'],
  ],
  [
    'a variable is not read',
    (templates) => (one(templates, 'AWS::Lambda::Function', 'render').properties.Environment.Variables.FONTS_FOLDRE = '/opt'),
    ['function render has the variable FONTS_FOLDRE, which it does not read'],
  ],
  [
    'a variable is missing',
    (templates) => delete one(templates, 'AWS::Lambda::Function', 'render').properties.Environment.Variables.JOBS_TABLE,
    ['function render lacks the variable JOBS_TABLE, which it needs'],
  ],
  [
    'a rule waits for a fact that nobody tells',
    (templates) => one(templates, 'AWS::Events::Rule', 'n8n').properties.EventPattern['detail-type'].push('Rendered.v2'),
    ['rule n8n waits for Rendered.v2, which schemas/ does not have'],
  ],
  [
    'a rule changes what it hands on',
    (templates) => (one(templates, 'AWS::Events::Rule', 'notify').properties.Targets[0].InputPath = '$.detail'),
    ['rule notify: changes events by is InputPath in the template, absent locally'],
  ],
  [
    'an alarm watches what nobody writes',
    (templates) => (one(templates, 'AWS::CloudWatch::Alarm', 'unknown-orders').properties.MetricName = 'UnknownOrder'),
    ['alarm unknown-orders watches UnknownOrder, which schemas/metrics.json does not have'],
  ],
  [
    'an alarm watches who does not write it',
    (templates) => (one(templates, 'AWS::CloudWatch::Alarm', 'spent-percent').properties.Dimensions[0].Value = 'notify'),
    ['alarm spent-percent watches SpentPercent of Function notify, which only sweep writes'],
  ],
  [
    'a schedule is slower',
    (templates) => (templates.all('AWS::Scheduler::Schedule')[0]!.properties.ScheduleExpression = 'rate(1 hour)'),
    [
      'the template has every 3600 s → function sweep, which topology.json has not',
      'topology.json has every 300 s → function sweep, which the template has not',
      'function sweep: runs is every 3600 s in the template, every 300 s locally',
    ],
  ],
  [
    'a route leads elsewhere',
    (templates) => (templates.all('AWS::ApiGatewayV2::Route').find((it) => it.properties.RouteKey.startsWith('POST'))!.properties.RouteKey = 'POST /hooks'),
    [
      'the template has http POST /hooks → function provider-webhook, which topology.json has not',
      'topology.json has http POST /webhooks/{provider}/{job}/{attempt} → function provider-webhook, which the template has not',
    ],
  ],
  [
    'a table forgets nothing',
    (templates) => {
      const type = templates.all('AWS::DynamoDB::Table').length > 0 ? 'AWS::DynamoDB::Table' : 'AWS::DynamoDB::GlobalTable';
      delete one(templates, type, 'jobs').properties.TimeToLiveSpecification;
    },
    ['table jobs: expires is never in the template, expiresAt locally'],
  ],
];

describe('in a template', () => {
  test.each(MISTAKES)('%s', (_, make, lines) => {
    const templates = copy(templatesOf('prod'));
    make(templates);
    expect(problems(templates, promised(topologyOf('prod')))).toEqual(lines);
  });
});

/** A mistake in the topology that a stage is built from. */
function wired(change: (topology: any) => void): Topology {
  const topology = structuredClone(readTopology()) as Topology;
  change(topology);
  return topology;
}

/** What the synthesis of a stage says. */
function said(change: (chain: Stillmotion) => void, topology = readTopology()): string {
  try {
    synthesised(built(stages.dev, change, { topology }), 'dev');
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing';
}

/** A construct of the stateless stack. */
function part<T>(chain: Stillmotion, ...path: string[]): T {
  return path.reduce((at, name) => at.node.findChild(name) as any, chain.stateless as any) as T;
}

describe('in a construct or in the topology, synthesis fails', () => {
  const before = process.env.CDK_VALIDATION;
  // The general rules of CDK are not asked here: they take most of the time.
  beforeAll(() => void (process.env.CDK_VALIDATION = 'false'));
  afterAll(() => void (before === undefined ? delete process.env.CDK_VALIDATION : (process.env.CDK_VALIDATION = before)));

  test('not without a mistake', () => {
    expect(said(() => {})).toBe('nothing');
  });

  test.each<[string, (topology: any) => void, string]>([
    [
      'render writes where its own input lies',
      ({ functions }) => functions.render.writes.push('ltx-videos/'),
      'a circle: function render → prefix ltx-videos/ → queue render → function render',
    ],
    [
      'a visibility time-out is too short',
      ({ queues }) => (queues.render.visibilityTimeoutSecs = 30),
      'queue render shows a message again after 30 s while function render may take 900 s',
    ],
    [
      'prefixes overlap',
      ({ bucket }) => (bucket.notifications[1].prefix = 'uploads/clips/'),
      'prefixes uploads/ and uploads/clips/ overlap',
    ],
    [
      'a queue has no dead-letter queue',
      ({ queues }) => (delete queues.render.deadLetterQueue, delete queues.render.maxReceiveCount),
      'topology: queue "render" feeds a function and has no dead-letter queue',
    ],
    [
      'notify tells facts about jobs',
      ({ functions }) => (functions.notify.publishes = ['jobs']),
      'a circle: function notify → event JobCancelled.v1 → queue notify → function notify',
    ],
    [
      'a rule waits for a fact that nobody tells',
      ({ bus }) => bus.rules[0].pattern['detail-type'].push('LtxDone.v2'),
      'rule notify waits for LtxDone.v2, which schemas/ does not have',
    ],
  ])('%s', (_, change, line) => {
    expect(said(() => {}, wired(change))).toContain(line);
  });

  test.each<[string, (chain: Stillmotion) => void, string]>([
    [
      'a role may invoke a function',
      (chain) =>
        part<Role>(chain, 'notify', 'Role').addToPolicy(
          new PolicyStatement({
            actions: ['lambda:InvokeFunction'],
            resources: [part<LambdaFunction>(chain, 'render', 'Function').functionArn],
          }),
        ),
      "function notify's role may lambda:InvokeFunction on function render",
    ],
    [
      'a function is granted another by its construct',
      (chain) => part<LambdaFunction>(chain, 'render', 'Function').grantInvoke(part<Role>(chain, 'ltx', 'Role')),
      "function ltx's role may lambda:InvokeFunction on function render",
    ],
    [
      'a bucket takes requests without TLS',
      (chain) => void chain.stateful.node.findChild('Media').node.tryRemoveChild('Policy'),
      'bucket media takes requests without TLS',
    ],
    [
      'a queue loses its dead-letter queue',
      (chain) => (chain.stateful.node.findChild('Queues').node.findChild('render') as CfnResource).addPropertyDeletionOverride('RedrivePolicy'),
      'queue render has no dead-letter queue',
    ],
    [
      'failures of a batch are not told apart',
      (chain) =>
        (part<any>(chain, 'ingest', 'Source').node.defaultChild as CfnEventSourceMapping).addPropertyDeletionOverride('FunctionResponseTypes'),
      'function ingest cannot say which messages of queue ingest failed: no ReportBatchItemFailures',
    ],
    [
      'a consumer has a reserved concurrency',
      (chain) => ((part<any>(chain, 'ltx', 'Function').node.defaultChild as CfnFunction).reservedConcurrentExecutions = 2),
      'function ltx has a reserved concurrency of 2',
    ],
    [
      'a secret is a plain variable',
      (chain) => void part<LambdaFunction>(chain, 'ltx', 'Function').addEnvironment('LTX_API_KEY', 'abc'),
      'function ltx has the secret LTX_API_KEY as a plain variable',
    ],
    [
      'a variable is not read',
      (chain) => void part<LambdaFunction>(chain, 'render', 'Function').addEnvironment('FONTS_FOLDRE', '/opt/fonts'),
      'function render has the variable FONTS_FOLDRE, which it does not read',
    ],
    [
      'a role has stars',
      (chain) => part<Role>(chain, 'notify', 'Role').addToPolicy(new PolicyStatement({ actions: ['dynamodb:*'], resources: ['*'] })),
      "function notify's role may dynamodb:* on *: a star without a reason",
    ],
  ])('%s', (_, change, line) => {
    expect(said(change)).toContain(line);
  });

  test('and nobody can acknowledge it', async () => {
    const { Validations } = await import('aws-cdk-lib');
    const text = said((chain) => {
      (part<any>(chain, 'ltx', 'Function').node.defaultChild as CfnFunction).reservedConcurrentExecutions = 2;
      Validations.of(chain.stateful).acknowledge({ id: 'stillmotion-dev::proof', reason: 'it suits me' });
    });
    expect(text).toContain('function ltx has a reserved concurrency of 2');
  });
});
