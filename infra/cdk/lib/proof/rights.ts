/** Who may call, open or take over what nobody should. */

import { invokes } from './access.js';
import { covers, roles, statements } from './policy.js';
import { list, said, type Templates } from './templates.js';
import { isWide, reasonFor } from './wildcards.js';

/** Who may make a function run, besides event source mappings. */
const CALLERS = ['apigateway.amazonaws.com', 'events.amazonaws.com', 'scheduler.amazonaws.com', 'secretsmanager.amazonaws.com'];

/** Everything that is wrong with what may be done, in words. */
export function rightProblems(templates: Templates): string[] {
  return [...ofRoles(templates), ...ofFunctions(templates), ...ofBuckets(templates), ...ofResourcePolicies(templates)];
}

function ofRoles(templates: Templates): string[] {
  const scheduled = templates
    .all('AWS::Scheduler::Schedule')
    .map(({ properties, template }) => said(templates.thing(templates.text(properties.Target?.Arn, template))));
  return roles(templates).flatMap((role) => {
    const problems = role.unclear.map((why) => `${role.who}'s role ${why}`);
    for (const grant of role.grants) {
      const { action, resource } = grant;
      const thing = templates.thing(resource);
      if (invokes(grant)) {
        // The scheduler calls what it was made for, and nothing else.
        if (role.function === undefined && !isWide(grant) && scheduled.includes(said(thing))) continue;
        problems.push(`${role.who}'s role may ${action} on ${resource === '*' ? 'every function' : said(thing)}`);
        continue;
      }
      if (['sts:AssumeRole', 'iam:PassRole'].some((one) => covers(grant, one))) {
        problems.push(`${role.who}'s role may ${action} on ${said(thing)}, and so become another`);
      }
      if (isWide(grant) && reasonFor(grant) === undefined) {
        problems.push(`${role.who}'s role may ${action} on ${resource === '*' ? '*' : said(thing)}: a star without a reason`);
      }
      if (covers(grant, 's3:ListBucket') && asksForPrefix(grant.conditions)) {
        problems.push(
          `${role.who}'s role lists the bucket under a condition on s3:prefix: S3 then refuses what is not there instead of saying so`,
        );
      }
    }
    return problems;
  });
}

function asksForPrefix(conditions: Record<string, Record<string, string[]>>): boolean {
  return Object.entries(conditions).some(([operator, keys]) => 's3:prefix' in keys && !operator.endsWith('IfExists'));
}

function ofFunctions(templates: Templates): string[] {
  const permitted = templates.all('AWS::Lambda::Permission').flatMap(({ properties, template }) => {
    const who = templates.text(properties.Principal, template);
    const name = templates.thing(templates.text(properties.FunctionName, template)).name;
    return CALLERS.includes(who) ? [] : [`function ${name} may be invoked by ${who}`];
  });
  const open = templates
    .all('AWS::Lambda::Url')
    .map(({ properties, template }) => `function ${templates.thing(templates.text(properties.TargetFunctionArn, template)).name} has a URL of its own`);
  return [...permitted, ...open];
}

function ofBuckets(templates: Templates): string[] {
  const closed = new Set<string>();
  for (const { properties, template } of templates.all('AWS::S3::BucketPolicy')) {
    const bucket = templates.text(properties.Bucket, template);
    const arn = `arn:{partition}:s3:::${bucket}`;
    for (const one of statements(templates, properties.PolicyDocument, template)) {
      const everybody = one.principals.includes('*') && one.actions.some((action) => ['s3:*', '*'].includes(action));
      const plain = one.conditions.Bool?.['aws:SecureTransport']?.includes('false');
      const whole = [arn, `${arn}/*`].every((resource) => one.resources.includes(resource));
      if (one.effect === 'Deny' && everybody && plain && whole) closed.add(bucket);
    }
  }
  return templates
    .all('AWS::S3::Bucket')
    .filter((found) => !closed.has(templates.physical(found)))
    .map((found) => `bucket ${templates.named(found)} takes requests without TLS`);
}

/** Policies of queues, buckets, buses and secrets let services in, never a role or the world. */
function ofResourcePolicies(templates: Templates): string[] {
  const policies: [string, string, string][] = [
    ['AWS::SQS::QueuePolicy', 'Queues', 'queue'],
    ['AWS::SQS::QueueInlinePolicy', 'Queue', 'queue'],
    ['AWS::S3::BucketPolicy', 'Bucket', 'bucket'],
    ['AWS::Events::EventBusPolicy', 'EventBusName', 'bus'],
    ['AWS::SecretsManager::ResourcePolicy', 'SecretId', 'secret'],
  ];
  return policies.flatMap(([type, property, kind]) =>
    templates.all(type).flatMap(({ properties, template }) => {
      const of = list(properties[property]).map((one) => {
        const text = templates.text(one, template);
        return text.includes(':') ? templates.thing(text).name : templates.short(text);
      });
      const document = properties.PolicyDocument ?? properties.ResourcePolicy ?? { Statement: properties.Statement };
      return statements(templates, document, template)
        .filter((one) => one.effect === 'Allow')
        .flatMap((one) =>
          one.principals
            .filter((who) => !/^[a-z0-9.-]+\.amazonaws\.com$/.test(who))
            .map((who) => `${kind} ${of.join(', ')} lets ${who === '*' ? 'everybody' : who} in: ${one.actions.join(', ')}`),
        );
    }),
  );
}

