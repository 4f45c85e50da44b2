/** What the roles of a stage may do, as the template says it. */

import { type Found, list, type Templates, type Template } from './templates.js';

/** One thing that a role may do: one action on one resource. */
export interface Grant {
  /** `s3:PutObject`, possibly with stars. */
  action: string;
  /** An ARN, possibly with stars. */
  resource: string;
  /** Under which conditions, as the template has them, resolved. */
  conditions: Record<string, Record<string, string[]>>;
}

/** A role of a stage and whose it is. */
export interface Role {
  /** `function render` for a function's, `role scheduler` otherwise. */
  who: string;
  arn: string;
  /** The function whose role it is. */
  function?: string;
  grants: Grant[];
  /** What cannot be judged: policies from elsewhere, statements turned round. */
  unclear: string[];
}

/** A statement of a policy, resolved. */
export interface Statement {
  effect: string;
  actions: string[];
  resources: string[];
  principals: string[];
  conditions: Record<string, Record<string, string[]>>;
  turnedRound: boolean;
}

/** The statements of a policy document. */
export function statements(templates: Templates, document: any, template: Template): Statement[] {
  const texts = (value: unknown) => list(value as any).map((one) => templates.text(one, template));
  return list(document?.Statement).map((statement: any) => ({
    effect: statement.Effect,
    actions: texts(statement.Action),
    resources: texts(statement.Resource),
    principals: principals(templates, statement.Principal, template),
    conditions: Object.fromEntries(
      Object.entries(statement.Condition ?? {}).map(([operator, keys]) => [
        operator,
        Object.fromEntries(Object.entries(keys as any).map(([key, value]) => [key, texts(value)])),
      ]),
    ),
    turnedRound: ['NotAction', 'NotResource', 'NotPrincipal'].some((key) => key in statement),
  }));
}

function principals(templates: Templates, principal: any, template: Template): string[] {
  if (principal === undefined) return [];
  if (typeof principal === 'string') return [principal];
  return Object.values(principal).flatMap((who) => list(who as any).map((one) => templates.text(one, template)));
}

/** Every role of a stage with all that it may do, wherever that is written. */
export function roles(templates: Templates): Role[] {
  const users = new Map<string, string[]>();
  const arn = (name: string) => `arn:{partition}:iam::{account}:role/${name}`;
  for (const found of templates.all('AWS::Lambda::Function')) {
    const role = templates.text(found.properties.Role, found.template);
    users.set(role, [...(users.get(role) ?? []), templates.named(found)]);
  }
  const written = templates.all('AWS::IAM::Role').flatMap((found) => {
    const name = templates.physical(found);
    const functions = users.get(arn(name)) ?? [];
    users.delete(arn(name));
    const role = of(templates, found, name);
    // What CDK puts behind an id says nothing to a reader.
    if (functions.length === 0) return [{ ...role, arn: arn(name), who: `role ${templates.short(name).replace(/[0-9A-F]{8}$/, '')}` }];
    return functions.map((one) => ({ ...role, arn: arn(name), who: `function ${one}`, function: one }));
  });
  const elsewhere = [...users].flatMap(([role, functions]) =>
    functions.map((one) => ({
      who: `function ${one}`,
      arn: role,
      function: one,
      grants: [],
      unclear: [`has the role ${role}, which the templates do not have`],
    })),
  );
  return [...written, ...elsewhere].sort((a, b) => (a.who < b.who ? -1 : 1));
}

function of(templates: Templates, found: Found, name: string): Omit<Role, 'who' | 'arn'> {
  const documents = list(found.properties.Policies).map((policy: any) => [policy.PolicyDocument, found.template]);
  const unclear: string[] = [];
  for (const policy of templates.all('AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy', 'AWS::IAM::RolePolicy')) {
    const holders = [...list(policy.properties.Roles), ...list(policy.properties.RoleName)];
    const named = holders.map((holder) => templates.text(holder, policy.template));
    if (named.includes(name)) documents.push([policy.properties.PolicyDocument, policy.template]);
  }
  for (const managed of list(found.properties.ManagedPolicyArns)) {
    const arn = templates.text(managed, found.template);
    const here = templates.all('AWS::IAM::ManagedPolicy').find((policy) => arn.includes(policy.id));
    if (here) documents.push([here.properties.PolicyDocument, here.template]);
    else unclear.push(`has the policy ${arn.split('/').at(-1)}, whose statements the templates do not have`);
  }
  const grants: Grant[] = [];
  for (const [document, template] of documents) {
    for (const statement of statements(templates, document, template as Template)) {
      if (statement.effect !== 'Allow') continue;
      if (statement.turnedRound) unclear.push('has a statement with NotAction or NotResource');
      for (const action of statement.actions) {
        for (const resource of statement.resources) {
          grants.push({ action, resource, conditions: statement.conditions });
        }
      }
    }
  }
  return { grants, unclear };
}

/** Whether two patterns with stars have something in common. */
export function overlap(a: string, b: string): boolean {
  if (a === '' || b === '') return /^\**$/.test(a + b);
  if (a[0] === '*') return overlap(a.slice(1), b) || overlap(a, b.slice(1));
  if (b[0] === '*') return overlap(a, b.slice(1)) || overlap(a.slice(1), b);
  return (a[0] === b[0] || a[0] === '?' || b[0] === '?') && overlap(a.slice(1), b.slice(1));
}

/** Whether a role's grant covers an action, however it is spelt. */
export function covers(grant: Grant, action: string): boolean {
  return glob(grant.action.toLowerCase()).test(action.toLowerCase());
}

/** The expression that a pattern with stars stands for. */
export function glob(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's');
}

/** Whether a key of a request passes the conditions of a grant, as far as they speak of that key. */
export function passes(grant: Pick<Grant, 'conditions'>, key: string, value: string): boolean {
  return Object.entries(grant.conditions).every(([operator, keys]) =>
    Object.entries(keys).every(([named, values]) => {
      if (named.toLowerCase() !== key.toLowerCase()) return true;
      const plain = operator.replace(/^ForAnyValue:|^ForAllValues:|IfExists$/g, '');
      const like = plain.endsWith('Like');
      const matches = values.some((one) => (like ? glob(one).test(value) : one === value));
      return plain.includes('Not') ? !matches : matches;
    }),
  );
}
