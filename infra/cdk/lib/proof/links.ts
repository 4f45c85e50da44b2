/** What may go wrong between a queue, its dead-letter queue and the function it feeds. */

import { functionOf, prefixOf } from './graph.js';
import { statements } from './policy.js';
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


/** A queue that does not let its sender in stays empty, and nobody is told. */
function senders(templates: Templates): string[] {
  const wanted: { queue: string; service: string; from: string }[] = [];
  for (const { properties, template } of templates.all('AWS::S3::Bucket')) {
    for (const one of list(properties.NotificationConfiguration?.QueueConfigurations) as any[]) {
      const queue = templates.thing(templates.text(one.Queue, template)).name;
      wanted.push({ queue, service: 's3.amazonaws.com', from: 'the bucket' });
    }
  }
  for (const found of templates.all('AWS::Events::Rule')) {
    for (const target of list(found.properties.Targets) as any[]) {
      const { kind, name } = templates.thing(templates.text(target.Arn, found.template));
      if (kind !== 'queue' || target.RoleArn) continue;
      wanted.push({ queue: name, service: 'events.amazonaws.com', from: `rule ${templates.named(found)}` });
    }
  }
  const open = templates.all('AWS::SQS::QueuePolicy', 'AWS::SQS::QueueInlinePolicy').flatMap(({ properties, template }) =>
    statements(templates, properties.PolicyDocument, template)
      .filter(({ effect, actions }) => effect === 'Allow' && actions.some((one) => /^sqs:(SendMessage|\*)$/.test(one)))
      .flatMap(({ principals }) =>
        [...list(properties.Queues), ...list(properties.Queue)].flatMap((queue) =>
          principals.map((who) => `${who} ${templates.thing(templates.text(queue, template)).name}`),
        ),
      ),
  );
  const shut = wanted.filter(({ queue, service }) => !open.includes(`${service} ${queue}`));
  return [...new Set(shut.map(({ queue, from }) => `queue ${queue} does not let ${from} send to it`))];
}
