/** cfn-guard and cfn-lint find nothing in the templates, and each rule finds its defect. */

import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { beforeAll, describe, expect, test } from 'vitest';

import type { Template, Templates } from '../lib/proof/templates.js';
import { copy, STAGES, templatesOf } from './synth.js';

const RULES = fileURLToPath(new URL('../guard', import.meta.url));

/** The path of a tool. @throws if `./stillmotion test` has not installed it. */
function tool(variable: string): string {
  const path = process.env[variable];
  if (!path) throw new Error(`${variable} is not set: run ./stillmotion test, which installs it`);
  return path;
}

/** What a program says, however it ends. */
function run(program: string, args: string[]): Promise<{ code: number; out: string }> {
  return new Promise((resolve, reject) =>
    execFile(program, args, { maxBuffer: 1 << 26 }, (error, out, err) => {
      const code = error?.code ?? 0;
      if (typeof code !== 'number') return reject(error);
      resolve({ code, out: `${out}${err}` });
    }),
  );
}

/** A folder with templates as files. */
function folder(templates: Record<string, Template>): string {
  const path = mkdtempSync(join(tmpdir(), 'stillmotion-templates-'));
  for (const [name, template] of Object.entries(templates)) writeFileSync(join(path, `${name}.json`), JSON.stringify(template));
  return path;
}

function named(templates: Templates): Record<string, Template> {
  return Object.fromEntries(templates.each.map((template, at) => [`${templates.name}-${at === 0 ? 'stateful' : 'stateless'}`, template]));
}

/** The rules of guard/ that templates break. */
async function broken(templates: Record<string, Template>): Promise<{ code: number; rules: string[] }> {
  const { code, out } = await run(tool('STILLMOTION_CFN_GUARD'), [
    ...['validate', '--data', folder(templates), '--rules', RULES],
    ...['--structured', '--output-format', 'json', '--show-summary', 'none'],
  ]);
  const reports: { not_compliant: { Rule: { name: string } }[] }[] = JSON.parse(out);
  const rules = reports.flatMap((report) => report.not_compliant.map((one) => one.Rule.name));
  return { code, rules: [...new Set(rules)].sort() };
}

/** Every rule of guard/. */
const ALL = readdirSync(RULES).flatMap((file) =>
  [...readFileSync(join(RULES, file), 'utf8').matchAll(/^rule (\w+)/gm)].map(([, name]) => name!),
);

type Change = (all: (type: string) => any[], templates: Templates) => void;

/** For each rule, a defect. */
const DEFECTS: Record<string, Change> = {
  buckets_are_encrypted: (all) => delete all('AWS::S3::Bucket')[0].BucketEncryption,
  queues_are_encrypted: (all) => (all('AWS::SQS::Queue')[0].SqsManagedSseEnabled = false),
  tables_are_encrypted: (all) => delete all('AWS::DynamoDB::Table')[0].SSESpecification,
  topics_are_encrypted: (all) => delete all('AWS::SNS::Topic')[0].KmsMasterKeyId,
  every_bucket_has_a_policy: (_, { each }) => {
    const resources = each[0]!.Resources!;
    for (const [id, { Type }] of Object.entries(resources)) if (Type === 'AWS::S3::BucketPolicy') delete resources[id];
  },
  bucket_policies_want_tls: (all) => (all('AWS::S3::BucketPolicy')[0].PolicyDocument.Statement[0].Condition = {}),
  queue_policies_want_tls: (all) => (all('AWS::SQS::QueuePolicy')[0].PolicyDocument.Statement[0].Condition = {}),
  buckets_block_public_access: (all) => (all('AWS::S3::Bucket')[0].PublicAccessBlockConfiguration.BlockPublicPolicy = false),
  buckets_have_no_acls: (all) => (all('AWS::S3::Bucket')[0].AccessControl = 'PublicRead'),
  policies_let_nobody_unknown_in: (all) =>
    all('AWS::SQS::QueuePolicy')[0].PolicyDocument.Statement.push({
      Effect: 'Allow',
      Principal: { AWS: '*' },
      Action: 'sqs:SendMessage',
      Resource: '*',
    }),
  functions_are_called_by_services: (all) => (all('AWS::Lambda::Permission')[0].Principal = '*'),
  functions_have_no_urls: (_, { each }) => {
    each[1]!.Resources!['Open'] = { Type: 'AWS::Lambda::Url', Properties: { AuthType: 'NONE', TargetFunctionArn: 'x' } };
  },
  queues_have_dead_letter_queues: (all) => delete all('AWS::SQS::Queue').find((queue) => queue.RedrivePolicy).RedrivePolicy,
  dead_letters_are_kept_as_long_as_can_be: (all) =>
    (all('AWS::SQS::Queue').find((queue) => !queue.RedrivePolicy).MessageRetentionPeriod = 345_600),
  batches_may_fail_in_part: (all) => delete all('AWS::Lambda::EventSourceMapping')[0].FunctionResponseTypes,
  rules_have_dead_letter_queues: (all) => delete all('AWS::Events::Rule')[0].Targets[0].DeadLetterConfig,
  schedules_have_dead_letter_queues: (all) => delete all('AWS::Scheduler::Schedule')[0].Target.DeadLetterConfig,
};

const everything = (): Record<string, Template> => Object.assign({}, ...STAGES.map((name) => named(templatesOf(name))));

/** cfn-lint takes its time; it works while the rest is tested. */
let linted: Promise<{ code: number; out: string }>[];

beforeAll(() => {
  const wrong = copy(templatesOf('dev'));
  wrong.all('AWS::Lambda::Function')[0]!.properties.MemorySize = 99;
  linted = [lint(everything()), lint(named(wrong))];
});

describe('cfn-guard', () => {
  test('finds nothing', async () => {
    expect(await broken(everything())).toEqual({ code: 0, rules: [] });
  });

  test('has a defect to find for each rule', () => {
    expect(Object.keys(DEFECTS).sort()).toEqual([...ALL].sort());
  });

  test.each(Object.entries(DEFECTS))('finds the defect of %s', async (rule, change) => {
    const templates = copy(templatesOf('prod'));
    change((type) => templates.all(type).map((found) => found.properties), templates);
    expect(await broken(named(templates))).toEqual({ code: 19, rules: [rule] });
  });
});

/** CDK puts names where a Ref would be shorter to it, and dependencies where a Ref makes one anyway. */
const HABITS_OF_CDK = ['W3045', 'W3005'];

function lint(templates: Record<string, Template>): Promise<{ code: number; out: string }> {
  return run(tool('STILLMOTION_CFN_LINT'), [
    ...['--ignore-checks', ...HABITS_OF_CDK, '--regions', 'eu-central-1', '--format', 'parseable'],
    ...['--template', join(folder(templates), '*.json')],
  ]);
}

describe('cfn-lint', () => {
  test('finds nothing', async () => {
    expect(await linted[0]).toEqual({ code: 0, out: '' });
  });

  test('finds a defect', async () => {
    const { code, out } = (await linted[1])!;
    expect(code).not.toBe(0);
    expect(out).toContain('E3034');
  });
});
