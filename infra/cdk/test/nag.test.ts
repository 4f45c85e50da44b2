/** cdk-nag has no finding that is not explained, and no explanation is left over. */

import { type App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { expect, test } from 'vitest';

import { ACKNOWLEDGED, type Acknowledged } from '../lib/acknowledged.js';
import { stages } from '../lib/index.js';
import { built, STAGES } from './synth.js';

/** One finding at one resource. */
interface Finding {
  rule: string;
  /** The whole path of the construct. */
  path: string;
}

function findings(app: App): Finding[] {
  return [new AwsSolutionsChecks(app), new ServerlessChecks(app)].flatMap((pack) =>
    pack.validateScope(app).violations.flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map(({ constructPath }) => ({ rule: ruleName, path: constructPath! })),
    ),
  );
}

function explanation({ rule, path }: Finding): Acknowledged | undefined {
  const below = path.split('/').slice(1).join('/');
  return ACKNOWLEDGED.find((one) => one.rule.test(rule) && one.at.test(below));
}

/** Acknowledges what is explained, and says what is not. */
function acknowledge(app: App): { explained: Finding[]; unexplained: string[] } {
  const all = findings(app);
  const explained = all.filter((finding) => explanation(finding) !== undefined);
  for (const finding of explained) {
    const construct = finding.path.split('/').reduce((at: any, id) => at.node.findChild(id), app);
    Validations.of(construct).acknowledge({ id: finding.rule, reason: explanation(finding)!.reason });
  }
  return { explained, unexplained: findings(app).map(({ rule, path }) => `${rule} at ${path}`) };
}

test.each(STAGES)('every finding in %s is explained', (name) => {
  const { explained, unexplained } = acknowledge(built(stages[name]));
  expect(unexplained).toEqual([]);
  const reasons = new Set(explained.map(explanation)).size;
  console.log(`cdk-nag: ${explained.length} findings acknowledged in ${name}, for ${reasons} reasons`);
});

test('every explanation is of a finding', () => {
  const found = STAGES.flatMap((name) => findings(built(stages[name])));
  const used = new Set(found.map(explanation));
  expect(ACKNOWLEDGED.filter((one) => !used.has(one)).map((one) => `${one.rule} at ${one.at}`)).toEqual([]);
});

test('a bucket that can be read by everybody is not explained away', () => {
  const app = built(stages.dev, ({ stateful }) => {
    (stateful.node.findChild('Media').node.findChild('Bucket') as any).publicAccessBlockConfiguration = { blockPublicAcls: false };
    stateful.node.findChild('Media').node.tryRemoveChild('Policy');
  });
  const { unexplained } = acknowledge(app);
  expect(unexplained).toContain('AwsSolutions-S2 at stillmotion-dev-stateful/Media/Bucket');
  expect(unexplained).toContain('AwsSolutions-S10 at stillmotion-dev-stateful/Media/Bucket');
});
