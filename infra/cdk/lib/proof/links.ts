/** What may go wrong between a queue, its dead-letter queue and the function it feeds. */

import { functionOf, prefixOf } from './graph.js';
import { covers, glob, passes, roles, type Statement, statements } from './policy.js';
import { type Found, list, said, type Templates } from './templates.js';
import { functionTimeouts } from './wiring.js';

/** How often an invocation must fit into the visibility time-out, as AWS asks for. */
const TIMES = 6;

/** Everything that is wrong with the links of the chain, in words. */
export function linkProblems(templates: Templates): string[] {
  return [...deadLetters(templates), ...mappings(templates), ...overlaps(templates), ...senders(templates)];
}

function deadLetters(templates: Templates): string[] {
  const queues = new Map(templates.all('AWS::SQS::Queue').map((found) => [templates.named(found), found]));
  const dead = new Set<string>();
  const target = (found: Found) => {
    const arn = found.properties.RedrivePolicy?.deadLetterTargetArn;
    return arn === undefined ? undefined : templates.thing(templates.text(arn, found.template)).name;
  };
  for (const found of queues.values()) dead.add(target(found) ?? '');
  for (const name of buried(templates)) dead.add(name);
  return [...queues].flatMap(([name, found]) => {
    const [to, feeds] = [target(found), fed(templates, name)];
    if (to === undefined) {
      if (feeds.length > 0 || !dead.has(name)) return [`queue ${name} has no dead-letter queue`];
      return [];
    }
    if (!queues.has(to)) return [`the dead-letter queue ${to} of queue ${name} does not exist`];
    if (fed(templates, to).length > 0) return [`the dead-letter queue ${to} of queue ${name} feeds function ${fed(templates, to)[0]}`];
    const kept = (of: Found) => of.properties.MessageRetentionPeriod ?? 345_600;
    const [there, here] = [kept(queues.get(to)!), kept(found)];
    // The age of a message counts from when it was first sent, also after it was moved (Amazon SQS developer guide,
    // "Dead-letter queues"): what is moved late is dropped at once where the limits are equal.
    return there <= here ? [`queue ${to} keeps a message ${there} s, not longer than the ${here} s of queue ${name}`] : [];
  });
}

/** Where rules, schedules and Lambda put what they could not hand over. */
function buried(templates: Templates): string[] {
  const of = (found: Found[], arns: (properties: any) => unknown[]) =>
    found.flatMap(({ properties, template }) =>
      arns(properties).filter((arn) => arn !== undefined).map((arn) => templates.thing(templates.text(arn, template)).name),
    );
  return [
    ...of(templates.all('AWS::Events::Rule'), ({ Targets }) => list(Targets).map((one: any) => one.DeadLetterConfig?.Arn)),
    ...of(templates.all('AWS::Scheduler::Schedule'), ({ Target }) => [Target?.DeadLetterConfig?.Arn]),
    ...of(templates.all('AWS::Lambda::EventInvokeConfig'), (config) => [config.DestinationConfig?.OnFailure?.Destination]),
    ...of(templates.all('AWS::Lambda::Function'), ({ DeadLetterConfig }) => [DeadLetterConfig?.TargetArn]),
  ];
}

/** The functions that a queue feeds. */
function fed(templates: Templates, queue: string): string[] {
  return templates
    .all('AWS::Lambda::EventSourceMapping')
    .filter(({ properties, template }) => {
      const from = templates.thing(templates.text(properties.EventSourceArn, template));
      return from.kind === 'queue' && from.name === queue;
    })
    .map(({ properties, template }) => functionOf(templates, properties.FunctionName, template));
}

function mappings(templates: Templates): string[] {
  const timeouts = functionTimeouts(templates);
  const functions = new Map(templates.all('AWS::Lambda::Function').map((found) => [templates.named(found), found]));
  const queues = new Map(templates.all('AWS::SQS::Queue').map((found) => [templates.named(found), found]));
  const problems = [...queues.keys()].flatMap((queue) => {
    const names = fed(templates, queue);
    return names.length > 1 ? [`queue ${queue} feeds ${names.length} functions: ${names.sort().join(', ')}`] : [];
  });
  for (const { properties, template } of templates.all('AWS::Lambda::EventSourceMapping')) {
    const from = templates.thing(templates.text(properties.EventSourceArn, template));
    const name = functionOf(templates, properties.FunctionName, template);
    const takes = timeouts.get(name);
    if (takes === undefined) {
      problems.push(`${said(from)} feeds function ${name}, which does not exist`);
      continue;
    }
    const visible = queues.get(from.name)?.properties.VisibilityTimeout ?? 30;
    if (visible < TIMES * takes) {
      problems.push(`${said(from)} shows a message again after ${visible} s while function ${name} may take ${takes} s`);
    }
    if (!list(properties.FunctionResponseTypes).includes('ReportBatchItemFailures')) {
      problems.push(`function ${name} cannot say which messages of queue ${from.name} failed: no ReportBatchItemFailures`);
    }
    if (properties.ScalingConfig?.MaximumConcurrency === undefined) {
      problems.push(`${said(from)} feeds function ${name} without a maximum concurrency`);
    }
    const reserved = functions.get(name)?.properties.ReservedConcurrentExecutions;
    if (reserved !== undefined) {
      problems.push(
        `function ${name} has a reserved concurrency of ${reserved}: what queue ${from.name} cannot hand over ends as a dead letter`,
      );
    }
  }
  return problems;
}

function overlaps(templates: Templates): string[] {
  return templates.all('AWS::S3::Bucket').flatMap((found) => {
    const wanted = found.properties.NotificationConfiguration ?? {};
    const all = ['QueueConfigurations', 'LambdaConfigurations', 'TopicConfigurations'].flatMap((one) => list(wanted[one]));
    const prefixes = [...new Set(all.map((one: any) => prefixOf(one)))].sort();
    return prefixes.flatMap((shorter, at) =>
      prefixes
        .slice(at + 1)
        .filter((longer) => longer.startsWith(shorter))
        .map((longer) => `prefixes ${shorter || '(every key)'} and ${longer} overlap`),
    );
  });
}

/** Who puts messages in a queue on AWS's side, and in whose name. */
interface Sender {
  /** `rule notify`. */
  who: string;
  service: string;
  arn: string;
  queue: string;
}

/** A queue that does not let its sender in stays empty, and nobody is told. */
function senders(templates: Templates): string[] {
  const problems = sendersByPolicy(templates).flatMap((sender) => {
    const about = policyOf(templates, sender.queue);
    const sends = about.filter((one) => one.actions.some((action) => glob(action).test('sqs:SendMessage')));
    const denied = sends.some((one) => one.effect === 'Deny' && concerns(one, sender) && holds(one, sender, true));
    const allows = sends.filter((one) => one.effect === 'Allow');
    const allowed = allows.some((one) => concerns(one, sender) && holds(one, sender, false));
    if (allowed && !denied) return [];
    const others = allows.flatMap((one) => sources(one) ?? one.principals);
    const why = denied ? 'forbids it' : `lets ${others.join(', ') || 'nobody'} send`;
    return [`${sender.who} may not send to queue ${sender.queue}: its policy ${why}`];
  });
  return [...new Set([...problems, ...sendersByRole(templates)])];
}

/** Buckets, and rules without a role; also where rules put what they could not hand over, for which they use no role. */
function sendersByPolicy(templates: Templates): Sender[] {
  const buckets = templates.all('AWS::S3::Bucket').flatMap((found) =>
    (list(found.properties.NotificationConfiguration?.QueueConfigurations) as any[]).map((one) => ({
      who: `bucket ${templates.named(found)}`,
      service: 's3.amazonaws.com',
      arn: templates.arn(found),
      to: templates.text(one.Queue, found.template),
    })),
  );
  const rules = templates.all('AWS::Events::Rule').flatMap((found) =>
    (list(found.properties.Targets) as any[])
      .flatMap((target) => [target.RoleArn ? undefined : target.Arn, target.DeadLetterConfig?.Arn])
      .filter((arn) => arn !== undefined)
      .map((arn) => ({
        who: `rule ${templates.named(found)}`,
        service: 'events.amazonaws.com',
        arn: templates.arn(found),
        to: templates.text(arn, found.template),
      })),
  );
  return [...buckets, ...rules].flatMap(({ to, ...sender }) => {
    const { kind, name } = templates.thing(to);
    return kind === 'queue' ? [{ ...sender, queue: name }] : [];
  });
}

/** A schedule sends by its role, also what it could not hand over. */
function sendersByRole(templates: Templates): string[] {
  return templates.all('AWS::Scheduler::Schedule').flatMap((found) => {
    const { Target } = found.properties;
    const arn = templates.text(Target?.RoleArn, found.template);
    const grants = roles(templates).filter((role) => role.arn === arn).flatMap((role) => role.grants);
    return [Target?.Arn, Target?.DeadLetterConfig?.Arn]
      .map((to) => templates.text(to, found.template))
      .filter((to) => templates.thing(to).kind === 'queue')
      .filter((to) => !grants.some((grant) => covers(grant, 'sqs:SendMessage') && glob(grant.resource).test(to)))
      .map((to) => `schedule ${templates.named(found)} may not send to queue ${templates.thing(to).name}: its role does not allow it`);
  });
}

/** What the policies of a queue say about it. */
function policyOf(templates: Templates, queue: string): Statement[] {
  const arns = templates.all('AWS::SQS::Queue').filter((found) => templates.named(found) === queue).map((found) => templates.arn(found));
  return templates
    .all('AWS::SQS::QueuePolicy', 'AWS::SQS::QueueInlinePolicy')
    .filter(({ properties, template }) =>
      [...list(properties.Queues), ...list(properties.Queue)].some((one) => templates.thing(templates.text(one, template)).name === queue),
    )
    .flatMap(({ properties, template }) => statements(templates, properties.PolicyDocument, template))
    .filter(({ resources }) => resources.some((one) => arns.some((arn) => glob(one).test(arn))));
}

/** Whether a statement speaks of the service of a sender. */
function concerns({ principals }: Statement, { service }: Sender): boolean {
  return principals.includes('*') || principals.includes(service);
}

/** Whether the conditions of a statement hold for a sender; what is not known of it holds if `unknown`. */
function holds({ conditions }: Statement, { arn }: Sender, unknown: boolean): boolean {
  const known: Record<string, string> = {
    'aws:sourcearn': arn,
    'aws:sourceaccount': '{account}',
    'aws:securetransport': 'true',
  };
  return Object.entries(conditions).every(([operator, keys]) =>
    Object.entries(keys).every(([key, values]) => {
      const value = known[key.toLowerCase()];
      if (value === undefined) return unknown;
      return passes({ conditions: { [operator]: { [key]: values } } }, key, value);
    }),
  );
}

/** In whose name a statement lets services in; none: in anybody's. */
function sources({ conditions }: Statement): string[] | undefined {
  const named = Object.values(conditions).flatMap((keys) =>
    Object.entries(keys).flatMap(([key, values]) => (key.toLowerCase() === 'aws:sourcearn' ? values : [])),
  );
  return named.length > 0 ? named : undefined;
}
