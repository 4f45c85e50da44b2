/** Variables of functions, names of facts and of metrics: what the templates say and what the programs read. */

import type { Topology } from '../topology.js';
import { functionOf } from './graph.js';
import { list, type Templates } from './templates.js';

/** `schemas/environment.json`. */
export interface Environment {
  functions: Record<string, { required: string[]; optional: string[]; secret: string[] }>;
}

/** `schemas/metrics.json`. */
export interface Metrics {
  metrics: { name: string; unit: string; from: string[]; meaning: string }[];
}

/** What every Rust program reads, whoever it is: how much it logs and whether it tells where it panicked. */
const READ_BY_ALL = ['RUST_LOG', 'RUST_BACKTRACE'];

/** Variables that are not read, are missing, or hold a secret. */
export function variableProblems(templates: Templates, topology: Topology, environment: Environment): string[] {
  const secrets = new Set(Object.values(topology.secrets).flat());
  return templates.all('AWS::Lambda::Function').flatMap((found) => {
    const name = templates.named(found);
    const known = environment.functions[name];
    // A function that an app brings along; a test sees to it that ours are all there.
    if (!known) return [];
    const variables: Record<string, unknown> = found.properties.Environment?.Variables ?? {};
    const problems: string[] = [];
    for (const [variable, value] of Object.entries(variables)) {
      if (secrets.has(variable) || known.secret.includes(variable)) {
        problems.push(`function ${name} has the secret ${variable} as a plain variable`);
      } else if (/\{\{resolve:(secretsmanager|ssm-secure):/.test(JSON.stringify(value))) {
        problems.push(`function ${name} has a secret in its variable ${variable}`);
      } else if (![...known.required, ...known.optional, ...READ_BY_ALL].includes(variable)) {
        problems.push(`function ${name} has the variable ${variable}, which it does not read`);
      }
    }
    const given = (topology.functions[name]?.secrets ?? []).flatMap((secret) => topology.secrets[secret] ?? []);
    const missing = known.required.filter((variable) => !(variable in variables) && !given.includes(variable));
    return [...problems, ...missing.map((variable) => `function ${name} lacks the variable ${variable}, which it needs`)];
  });
}

/** Facts that a rule waits for and nobody tells. */
export function factProblems(templates: Templates, detailTypes: readonly string[]): string[] {
  return templates.all('AWS::Events::Rule').flatMap((found) =>
    list(found.properties.EventPattern?.['detail-type'])
      .filter((type) => typeof type === 'string' && !detailTypes.includes(type))
      .map((type) => `rule ${templates.named(found)} waits for ${type}, which schemas/ does not have`),
  );
}

/** Alarms on metrics of ours that nobody writes, or not with these dimensions. */
export function alarmProblems(templates: Templates, { metrics }: Metrics): string[] {
  const problems: string[] = [];
  const functions = templates.all('AWS::Lambda::Function').map((found) => templates.named(found));
  for (const found of templates.all('AWS::CloudWatch::Alarm')) {
    const name = templates.named(found);
    const inner = (list(found.properties.Metrics) as any[]).map((one) => one.MetricStat?.Metric);
    for (const metric of [found.properties, ...inner].filter((one) => one?.MetricName !== undefined)) {
      if (!templates.text(metric.Namespace, found.template).startsWith(templates.app)) continue;
      const written = metrics.find((one) => one.name === metric.MetricName);
      if (!written) {
        problems.push(`alarm ${name} watches ${metric.MetricName}, which schemas/metrics.json does not have`);
        continue;
      }
      const dimensions = (list(metric.Dimensions) as any[]).map((one) => [one.Name, functionOf(templates, one.Value, found.template)]);
      const [[dimension, of] = []] = dimensions;
      if (dimensions.length !== 1 || dimension !== 'Function' || !written.from.includes(of!)) {
        const by = dimensions.map((pair) => pair.join(' ')).join(', ') || 'nobody';
        problems.push(`alarm ${name} watches ${metric.MetricName} of ${by}, which only ${written.from.join(', ')} writes`);
      } else if (!functions.includes(of!)) {
        problems.push(`alarm ${name} watches function ${of}, which does not exist`);
      }
    }
  }
  return problems;
}
