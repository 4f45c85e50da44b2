/** Templates as text that a person can read and compare: one line for each value, with where it is. */

import type { Template, Templates } from '../lib/proof/templates.js';

/** What CDK says to itself, and what it asks of the account that it deploys to. */
const NOT_OURS = /^(Metadata|Parameters\.BootstrapVersion|Rules\.CheckBootstrapVersion)\b/;

/** The templates of a stage, stateful first. */
export function readable(templates: Templates): string {
  return templates.each.map((template) => ofOne(templates, template)).join('\n');
}

function ofOne(templates: Templates, template: Template): string {
  const { Resources = {}, ...rest } = template;
  const resources = Object.entries(Resources).map(([id, { Type, ...resource }]) => {
    const said = lines(templates, template, resource, '').filter((line) => !NOT_OURS.test(line));
    return [`${Type} ${id}`, ...said.map((line) => `  ${line}`)].join('\n');
  });
  const others = lines(templates, template, rest, '').filter((line) => !NOT_OURS.test(line));
  return [...others, ...resources.sort(), ''].join('\n');
}

const INTRINSIC = /^(Ref|Fn::(GetAtt|Join|Sub|ImportValue|Select))$/;

function lines(templates: Templates, template: Template, value: unknown, at: string): string[] {
  if (value !== null && typeof value === 'object') {
    const members = Object.entries(value);
    const isIntrinsic = members.length === 1 && INTRINSIC.test(members[0]![0]);
    if (!isIntrinsic && members.length > 0) {
      return members.flatMap(([name, member]) => {
        const path = Array.isArray(value) ? `${at}[${name}]` : [at, name].filter(Boolean).join('.');
        return lines(templates, template, member, path);
      });
    }
  }
  const text = templates.text(value, template);
  // Assets are placeholders here, and say nothing. A dashboard has a line for each widget.
  return `${at}: ${text.replace(/\b[0-9a-f]{64}\b/g, '{hash}').replaceAll('{"type":', '\n{"type":')}`.split('\n');
}
