/** What each role may do, as a table that a person can read: it is infra/cdk/PERMISSIONS.md. */

import { type Grant, roles } from './policy.js';
import type { Templates } from './templates.js';
import { isWide, reasonFor } from './wildcards.js';

const HEAD = `# Permissions

What each role of a stage may do, on what, and under which condition; made from the template of \`prod\`, names without the
stage. A test compares it: \`just expected\` writes it anew. No function may invoke another, and every star has its reason.
`;

/** The table of a stage. */
export function permissionTable(templates: Templates): string {
  const sections = roles(templates).map(({ who, grants }) => {
    const rows = grouped(templates, grants).map((cells) => `| ${cells.join(' | ')} |`);
    return [`## ${who}`, '', '| on | may | if, and why a star |', '|---|---|---|', ...rows, ''].join('\n');
  });
  return [HEAD, ...sections].join('\n').trimEnd() + '\n';
}

/** A row for each resource and condition, with all that is allowed there. */
function grouped(templates: Templates, grants: Grant[]): string[][] {
  const rows = new Map<string, { on: string; may: Set<string>; notes: string }>();
  for (const grant of grants) {
    const on = resourceInWords(templates, grant.resource);
    const why = isWide(grant) ? `star: ${reasonFor(grant) ?? 'none'}` : '';
    const notes = [conditionInWords(grant), why].filter(Boolean).join('; ');
    const row = rows.get(`${on}\0${notes}`) ?? { on, may: new Set(), notes };
    row.may.add(`\`${grant.action}\``);
    rows.set(`${on}\0${notes}`, row);
  }
  const cells = [...rows.values()].map(({ on, may, notes }) => [on, [...may].sort().join(', '), notes]);
  return cells.sort((a, b) => (a.join('\0') < b.join('\0') ? -1 : 1));
}

/** An ARN in words, with the stars that it has. */
export function resourceInWords(templates: Templates, resource: string): string {
  const { kind, name } = templates.thing(resource);
  switch (kind) {
    case 'thing':
      return '`*`';
    case 'prefix':
      return `objects \`${name}*\``;
    case 'bus':
      return 'the bus';
    case 'log group':
      return `log group \`${name}\``;
    default:
      return `${kind} \`${name}\``;
  }
}

function conditionInWords({ conditions }: Grant): string {
  return Object.entries(conditions)
    .flatMap(([operator, keys]) =>
      Object.entries(keys).map(([key, values]) => `\`${key}\` ${operator} ${values.map((one) => `\`${one}\``).join(' or ')}`),
    )
    .join(' and ');
}
