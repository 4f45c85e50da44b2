/** What roles may do: as it is written down, and enough for what functions were seen to do. */

import { expect, test } from 'vitest';

import { type Calls, refusedCalls } from '../lib/proof/calls.js';
import { permissionTable } from '../lib/proof/permissions.js';
import { roles } from '../lib/proof/policy.js';
import { isWide, reasonFor } from '../lib/proof/wildcards.js';
import { file, promised } from './promised.js';
import { copy, STAGES, templatesOf, topologyOf } from './synth.js';

test('are those of PERMISSIONS.md', async () => {
  await expect(permissionTable(templatesOf('prod'))).toMatchFileSnapshot('../PERMISSIONS.md');
});

test.each(STAGES)('are the same in %s, but for what it does without', (name) => {
  const sections = (stage: typeof name) =>
    new Map(permissionTable(templatesOf(stage)).split('\n## ').slice(1).map((one) => one.split(/\n(.*)/s) as [string, string]));
  const [all, here] = [sections('prod'), sections(name)];
  expect(here.size).toBeGreaterThan(Object.keys(topologyOf(name).functions).length);
  for (const [who, table] of here) expect(table.trim(), who).toBe(all.get(who)!.trim());
  const gone = [...all.keys()].filter((who) => !here.has(who) && who.startsWith('function '));
  expect(gone.map((who) => who.replace('function ', ''))).toEqual(
    Object.keys(topologyOf('prod').functions).filter((one) => !(one in topologyOf(name).functions)),
  );
});

test.each(STAGES)('have a reason for every star in %s', (name) => {
  const wide = roles(templatesOf(name)).flatMap((role) => role.grants.filter(isWide));
  expect(wide.length).toBeGreaterThan(0);
  expect(wide.filter((grant) => reasonFor(grant) === undefined)).toEqual([]);
});

test('allow all that functions were seen to ask for', () => {
  expect(refusedCalls(templatesOf('prod'), file<Calls>('infra/calls.json'), promised(topologyOf('prod')))).toEqual([]);
});

test('are compared call by call', () => {
  const calls = structuredClone(file<Calls>('infra/calls.json'));
  calls.functions['render'] = [
    's3:GetObject ltx-videos/*',
    's3:GetObject photos/*',
    's3:PutObject ltx-videos/*',
    's3:ListBucket',
    'dynamodb:Query jobs/by-owner',
    'dynamodb:DeleteItem jobs',
    'sqs:SendMessage render-dead',
    'sqs:SendMessage ltx',
    'events:PutEvents',
    'lambda:InvokeFunction ltx',
  ];
  calls.functions['reader'] = ['s3:ListBucket'];
  delete calls.functions['ingest'];
  const lines = refusedCalls(templatesOf('prod'), calls, promised(topologyOf('prod'))).filter((line) => /render|reader|ingest was/.test(line));
  expect(lines).toEqual([
    'calls of function reader were recorded, which the template does not have',
    'no call of function ingest was recorded',
    'function render was seen to ask for s3:GetObject photos/*, which its role does not allow',
    'function render was seen to ask for s3:PutObject ltx-videos/*, which its role does not allow',
    'function render was seen to ask for dynamodb:DeleteItem jobs, which its role does not allow',
    'function render was seen to ask for sqs:SendMessage ltx, which its role does not allow',
    'function render was seen to ask for lambda:InvokeFunction ltx, which its role does not allow',
  ]);
});

test('to publish is allowed for every fact of a function', () => {
  const published = promised(topologyOf('prod'));
  const told = (type: string, operator: string) => {
    const templates = copy(templatesOf('prod'));
    for (const { properties } of templates.all('AWS::IAM::Role').filter(({ id }) => id.startsWith('deliverRole'))) {
      const publish = properties.Policies[0].PolicyDocument.Statement.find((it: any) => it.Action === 'events:PutEvents');
      publish.Condition = { [operator]: { 'events:detail-type': type } };
    }
    return refusedCalls(templates, file<Calls>('infra/calls.json'), published);
  };
  expect(told('WebhookEndpointDisabled.v1', 'StringEquals')).toEqual([]);
  for (const [type, operator] of [['JobFailed.v1', 'StringEquals'], ['WebhookEndpointDisabled.v1', 'StringNotEquals']] as const) {
    expect(told(type, operator)).toEqual([
      'function deliver was seen to ask for events:PutEvents of WebhookEndpointDisabled.v1, which its role does not allow',
    ]);
  }
});
