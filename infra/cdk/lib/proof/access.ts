/** What the topology lets each function do, and what its role lets it do: the same, or a problem. */

import { covers, type Grant, roles } from './policy.js';
import { said, type Templates } from './templates.js';
import type { Topology } from '../topology.js';
import { fedBy } from './planned.js';

/** What an action amounts to. Sending and publishing are edges of the trigger graph and compared there. */
const KINDS: Record<string, string> = {
  's3:GetObject': 'read',
  's3:PutObject': 'write',
  's3:AbortMultipartUpload': 'write',
  's3:ListMultipartUploadParts': 'write',
  's3:DeleteObject': 'delete',
  's3:ListBucket': 'list',
  'dynamodb:GetItem': 'read',
  'dynamodb:BatchGetItem': 'read',
  'dynamodb:Query': 'read',
  'dynamodb:Scan': 'read',
  'dynamodb:PutItem': 'write',
  'dynamodb:UpdateItem': 'write',
  'dynamodb:ConditionCheckItem': 'write',
  'dynamodb:DeleteItem': 'delete',
  'sqs:ReceiveMessage': 'receive',
  'sqs:DeleteMessage': 'receive',
  'sqs:ChangeMessageVisibility': 'receive',
  'sqs:GetQueueAttributes': 'look',
  'sqs:GetQueueUrl': 'look',
  'sqs:SendMessage': 'send',
  'events:PutEvents': 'publish',
  'events:DescribeEventBus': 'look',
  'dynamodb:DescribeTable': 'look',
  'secretsmanager:GetSecretValue': 'read',
  'secretsmanager:DescribeSecret': 'look',
  'logs:CreateLogStream': 'log',
  'logs:PutLogEvents': 'log',
  'xray:PutTraceSegments': 'trace',
  'xray:PutTelemetryRecords': 'trace',
};

/** What is no use of a thing that the topology names. */
const OF_EVERY_FUNCTION = ['look', 'log', 'trace', 'send', 'publish'];

/** Everything that roles and topology do not agree upon, in words. */
export function accessProblems(templates: Templates, topology: Topology): string[] {
  return roles(templates)
    .filter((role) => role.function !== undefined)
    .flatMap((role) => {
      const planned = plannedAccess(topology, role.function!);
      const built = new Set<string>();
      const lines: string[] = [];
      for (const grant of role.grants) {
        const kinds = kindsOf(grant);
        if (kinds.length === 0 && !invokes(grant)) {
          const thing = said(templates.thing(grant.resource));
          lines.push(`${role.who}'s role may ${grant.action} on ${thing}, which nothing of topology.json asks for`);
        }
        for (const kind of kinds.filter((one) => !OF_EVERY_FUNCTION.includes(one))) {
          const { kind: what, name } = templates.thing(grant.resource);
          // An index is read with its table.
          const thing = what === 'index' ? `table ${name.split('/')[0]}` : said({ kind: what, name });
          built.add(`${kind} ${thing}`);
        }
      }
      const extra = [...built].filter((use) => !planned.has(use));
      const missing = [...planned].filter((use) => !built.has(use));
      return [
        ...lines,
        ...extra.map((use) => `${role.who}'s role may ${use}, which topology.json does not say`),
        ...missing.map((use) => `${role.who}'s role may not ${use}, which topology.json says`),
      ];
    });
}

/** What a grant amounts to; with stars, everything that it covers. */
function kindsOf(grant: Grant): string[] {
  return [...new Set(Object.keys(KINDS).filter((action) => covers(grant, action)).map((action) => KINDS[action]!))];
}

/** A call of a function is told by itself, in its own words. */
export function invokes(grant: Grant): boolean {
  return ['lambda:InvokeFunction', 'lambda:InvokeAsync', 'lambda:InvokeFunctionUrl'].some((one) => covers(grant, one));
}

/** The uses that the topology says a function makes of things: `read table jobs`. */
export function plannedAccess(topology: Topology, name: string): Set<string> {
  const planned = topology.functions[name];
  if (!planned) return new Set();
  const reads = planned.reads.map((prefix) => `read prefix ${prefix}`);
  // Without it S3 says 403 of what is not there, where a function waits for 404.
  const list = planned.reads.length > 0 ? [`list bucket ${topology.bucket.name}`] : [];
  return new Set([
    ...reads,
    ...list,
    ...planned.writes.map((prefix) => `write prefix ${prefix}`),
    ...(planned.deletes ?? []).map((prefix) => `delete prefix ${prefix}`),
    ...Object.entries(planned.tables).flatMap(([table, uses]) => uses.map((use) => `${use} table ${table}`)),
    ...(planned.secrets ?? []).map((secret) => `read secret ${secret}`),
    ...[fedBy(planned)].filter((queue) => queue !== undefined).map((queue) => `receive queue ${queue}`),
  ]);
}
