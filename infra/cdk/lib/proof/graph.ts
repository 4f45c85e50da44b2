/** What makes what run: the trigger graph of the templates, and the one that the topology plans. */

import { covers, overlap, passes, roles } from './policy.js';
import { list, said, type Templates } from './templates.js';
import { isFed, isScheduled, type Topology } from '../topology.js';
import { classOf, fedBy } from './planned.js';

/** From what to what: `function render` → `prefix renders/`. */
export class Graph {
  private readonly edges = new Map<string, Set<string>>();

  /** Adds an edge. */
  edge(from: string, to: string): void {
    const known = this.edges.get(from) ?? new Set();
    this.edges.set(from, known.add(to));
  }

  /** Every edge, in order. */
  all(): [string, string][] {
    const pairs = [...this.edges].flatMap(([from, many]) => [...many].map((to): [string, string] => [from, to]));
    return pairs.sort((a, b) => (a.join('\0') < b.join('\0') ? -1 : 1));
  }

  /** Whether there is this edge. */
  has(from: string, to: string): boolean {
    return this.edges.get(from)?.has(to) ?? false;
  }

  /** Every circle that a walk meets; of those that differ only in the fact that is told, the first. */
  circles(): string[][] {
    const found = new Map<string, string[]>();
    const done = new Set<string>();
    const walk = (node: string, path: string[]): void => {
      const at = path.indexOf(node);
      if (at >= 0) {
        const circle = turned(path.slice(at));
        const key = circle.map((one) => one.replace(/^event .*/, 'event')).join('\0');
        if (!found.has(key)) found.set(key, circle);
        return;
      }
      if (done.has(node)) return;
      for (const next of [...(this.edges.get(node) ?? [])].sort()) walk(next, [...path, node]);
      done.add(node);
    };
    for (const start of [...this.edges.keys()].sort()) walk(start, []);
    return [...found.values()];
  }
}

/** The same circle, begun at a function where it has one. */
function turned(circle: string[]): string[] {
  const functions = circle.filter((node) => node.startsWith('function ')).sort();
  const at = circle.indexOf(functions[0] ?? [...circle].sort()[0]!);
  return [...circle.slice(at), ...circle.slice(0, at)];
}

/** What makes a Lambda function run besides the graph: whatever is outside. */
const OUTSIDE = ['http', 'every'];

/** Whether an edge is between parts of the chain; what the house tells others is their own affair. */
export function ofTheChain([from, to]: [string, string]): boolean {
  const known = ['function', 'queue', 'prefix', 'event', ...OUTSIDE];
  return known.includes(from.split(' ')[0]!) && known.includes(to.split(' ')[0]!);
}

/** The trigger graph of the templates. `detailTypes` is every fact that there is. */
export function triggerGraph(templates: Templates, detailTypes: readonly string[]): Graph {
  const graph = new Graph();
  notifications(templates, graph);
  rules(templates, graph, detailTypes);
  queues(templates, graph);
  requests(templates, graph);
  schedules(templates, graph);
  permissions(templates, graph, detailTypes);
  return graph;
}

function notifications(templates: Templates, graph: Graph): void {
  for (const { properties, template } of templates.all('AWS::S3::Bucket')) {
    const wanted = properties.NotificationConfiguration ?? {};
    const kinds = [
      ['QueueConfigurations', 'Queue'],
      ['LambdaConfigurations', 'Function'],
      ['TopicConfigurations', 'Topic'],
    ] as const;
    for (const [configurations, target] of kinds) {
      for (const one of list(wanted[configurations]) as any[]) {
        const to = templates.thing(templates.text(one[target], template));
        graph.edge(`prefix ${prefixOf(one)}`.trimEnd(), said(to));
      }
    }
  }
}

/** The prefix that a notification is for; empty: every key. */
export function prefixOf(configuration: any): string {
  const filters: any[] = list(configuration.Filter?.S3Key?.Rules);
  return filters.find((rule) => String(rule.Name).toLowerCase() === 'prefix')?.Value ?? '';
}

/** The facts that a pattern lets through. */
export function carried(pattern: any, detailTypes: readonly string[]): string[] {
  const wanted = pattern?.['detail-type'];
  if (wanted === undefined) return [...detailTypes];
  return list(wanted).flatMap((one: any) => {
    if (typeof one === 'string') return [one];
    return detailTypes.filter((type) => 'prefix' in one && type.startsWith(one.prefix));
  });
}

function rules(templates: Templates, graph: Graph, detailTypes: readonly string[]): void {
  for (const { properties, template } of templates.all('AWS::Events::Rule')) {
    for (const target of list(properties.Targets) as any[]) {
      const to = said(templates.thing(templates.text(target.Arn, template)));
      if (properties.ScheduleExpression) {
        graph.edge(every(properties.ScheduleExpression), to);
        continue;
      }
      for (const type of carried(properties.EventPattern, detailTypes)) graph.edge(`event ${type}`, to);
    }
  }
}

function queues(templates: Templates, graph: Graph): void {
  for (const found of templates.all('AWS::SQS::Queue')) {
    const dead = found.properties.RedrivePolicy?.deadLetterTargetArn;
    if (!dead) continue;
    const to = templates.thing(templates.text(dead, found.template));
    graph.edge(`queue ${templates.named(found)}`, said(to));
  }
  for (const { properties, template } of templates.all('AWS::Lambda::EventSourceMapping')) {
    const from = templates.thing(templates.text(properties.EventSourceArn, template));
    graph.edge(said(from), `function ${functionOf(templates, properties.FunctionName, template)}`);
  }
  for (const { properties, template } of templates.all('AWS::Pipes::Pipe')) {
    const [from, to] = [properties.Source, properties.Target].map((arn) => templates.thing(templates.text(arn, template)));
    graph.edge(said(from!), said(to!));
  }
}

/** The function that a name or an ARN means. */
export function functionOf(templates: Templates, value: unknown, template: any): string {
  const text = templates.text(value, template);
  return text.startsWith('arn:') ? templates.thing(text).name : templates.short(text);
}

function requests(templates: Templates, graph: Graph): void {
  const integrations = new Map<string, string>();
  for (const found of templates.all('AWS::ApiGatewayV2::Integration')) {
    const uri = templates.text(found.properties.IntegrationUri, found.template);
    integrations.set(found.id, /:function:/.test(uri) ? said(templates.thing(uri.replace(/^.*functions\//, ''))) : uri);
  }
  for (const { properties, template } of templates.all('AWS::ApiGatewayV2::Route')) {
    const target = templates.text(properties.Target, template).replace(/^integrations\//, '');
    graph.edge(`http ${properties.RouteKey}`, integrations.get(target) ?? target);
  }
  for (const { properties, template } of templates.all('AWS::Lambda::Url')) {
    graph.edge('http', `function ${functionOf(templates, properties.TargetFunctionArn, template)}`);
  }
}

function schedules(templates: Templates, graph: Graph): void {
  for (const { properties, template } of templates.all('AWS::Scheduler::Schedule')) {
    const to = templates.thing(templates.text(properties.Target?.Arn, template));
    graph.edge(every(properties.ScheduleExpression), said(to));
  }
}

const SECONDS: Record<string, number> = { minute: 60, hour: 3600, day: 86400 };

/** A rate in seconds, as a node; what is no rate stays as it is. */
export function every(expression: string): string {
  const [, count, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  return count && unit ? `every ${Number(count) * SECONDS[unit]!} s` : `every ${expression}`;
}

/** What roles may write, send, publish and call: whatever they may, they are taken to do. */
function permissions(templates: Templates, graph: Graph, detailTypes: readonly string[]): void {
  const known = {
    functions: templates.all('AWS::Lambda::Function').map((found) => templates.named(found)),
    queues: templates.all('AWS::SQS::Queue').map((found) => templates.named(found)),
    prefixes: templates
      .all('AWS::S3::Bucket')
      .flatMap(({ properties }) => list(properties.NotificationConfiguration?.QueueConfigurations).map(prefixOf)),
  };
  for (const role of roles(templates)) {
    for (const grant of role.grants) {
      if (covers(grant, 's3:PutObject') && overlap(grant.resource, 'arn:*:s3:::*/*')) {
        const key = grant.resource.split(/\/(.*)/s)[1] ?? '*';
        const written = prefixNode(key);
        graph.edge(role.who, written);
        for (const prefix of known.prefixes) {
          const node = prefixNode(`${prefix}*`);
          if (node !== written && overlap(key, `${prefix}*`)) graph.edge(written, node);
        }
      }
      if (covers(grant, 'sqs:SendMessage')) {
        for (const queue of known.queues.filter((name) => names(templates, grant.resource, 'queue', name))) {
          graph.edge(role.who, `queue ${queue}`);
        }
      }
      if (covers(grant, 'lambda:InvokeFunction') || covers(grant, 'lambda:InvokeAsync')) {
        for (const name of known.functions.filter((one) => names(templates, grant.resource, 'function', one))) {
          graph.edge(role.who, `function ${name}`);
        }
      }
      if (covers(grant, 'events:PutEvents')) {
        for (const type of detailTypes.filter((one) => passes(grant, 'events:detail-type', one))) {
          graph.edge(role.who, `event ${type}`);
        }
      }
    }
  }
}

function prefixNode(key: string): string {
  return said({ kind: 'prefix', name: key.replace(/\*$/, '') });
}

/** Whether a pattern of ARNs covers a thing of the templates. */
function names(templates: Templates, pattern: string, kind: 'queue' | 'function', name: string): boolean {
  const service = { queue: 'sqs:{region}:{account}:', function: 'lambda:{region}:{account}:function:' }[kind];
  const physical = `arn:{partition}:${service}${templates.prefix}${name}`;
  return overlap(anywhere(pattern), physical) || overlap(anywhere(pattern), `${physical}:*`);
}

/** An ARN of any partition, account and region of ours: which they are is decided by the deployment. */
function anywhere(pattern: string): string {
  const parts = pattern.split(':');
  if (parts.length < 6) return pattern;
  return ['arn', '{partition}', parts[2], '{region}', '{account}', ...parts.slice(5)].join(':');
}

/** The trigger graph that the topology plans. */
export function plannedGraph(topology: Topology, detailTypes: readonly string[]): Graph {
  const graph = new Graph();
  for (const { prefix, queue } of topology.bucket.notifications) graph.edge(`prefix ${prefix}`, `queue ${queue}`);
  for (const rule of topology.bus.rules) {
    for (const type of carried(rule.pattern, detailTypes)) graph.edge(`event ${type}`, `queue ${rule.queue}`);
  }
  for (const [name, queue] of Object.entries(topology.queues)) {
    if (queue.deadLetterQueue) graph.edge(`queue ${name}`, `queue ${queue.deadLetterQueue}`);
  }
  for (const [name, planned] of Object.entries(topology.functions)) {
    const node = `function ${name}`;
    const { trigger } = planned;
    if (isFed(trigger)) graph.edge(`queue ${trigger.queue}`, node);
    else if (isScheduled(trigger)) graph.edge(`every ${trigger.everySecs} s`, node);
    else graph.edge(`http ${trigger.http}`, node);
    for (const prefix of planned.writes) graph.edge(node, `prefix ${prefix}`);
    for (const queue of planned.sends) graph.edge(node, `queue ${queue}`);
    for (const type of detailTypes.filter((one) => planned.publishes.includes(classOf(one)))) {
      graph.edge(node, `event ${type}`);
    }
    // What is given up is put there by the function itself, with the reason beside it.
    const dead = topology.queues[fedBy(planned) ?? '']?.deadLetterQueue;
    if (dead) graph.edge(node, `queue ${dead}`);
    // Lambda puts there what it could not run, in the name of the function.
    if (isScheduled(trigger)) graph.edge(node, `queue ${name}-dead`);
  }
  return graph;
}

/** What one graph has and the other has not, in words. */
export function differences(built: Graph, planned: Graph): string[] {
  const extra = built.all().filter((edge) => ofTheChain(edge) && !planned.has(...edge));
  const missing = planned.all().filter((edge) => !built.has(...edge));
  return [
    ...together(extra).map((edge) => `the template has ${edge}, which topology.json has not`),
    ...together(missing).map((edge) => `topology.json has ${edge}, which the template has not`),
  ];
}

/** Edges in words, those from one node to many events in one. */
function together(edges: [string, string][]): string[] {
  const words = new Map<string, string>();
  for (const [from, to] of edges) {
    const key = to.startsWith('event ') ? `${from} → event` : `${from} → ${to}`;
    const known = words.get(key);
    words.set(key, known ? `${known}, ${to.replace('event ', '')}` : `${from} → ${to}`);
  }
  return [...words.values()];
}
