/** Has synthesis fail, with readable lines, if a stage is not what its topology says. */

import { readFileSync } from 'node:fs';

import {
  type IPolicyValidationContext,
  type IPolicyValidationPlugin,
  type PolicyValidationPluginReport,
  Stage as CdkStage,
  type Stack,
  Token,
  Validations,
} from 'aws-cdk-lib';

import type { Topology } from '../topology.js';
import { problems } from './problems.js';
import { promises } from './promises.js';
import { type Template, Templates } from './templates.js';

/** Two stacks of a stage and what they were built from. */
export interface Proved {
  /** The name of the stage. */
  readonly stage: string;
  /** The wiring that they were built from. */
  readonly topology: Topology;
  readonly stacks: readonly Stack[];
}

/** Holds the templates of a stage against its topology, whenever and by whomever they are synthesised. */
export function prove(proved: Proved): void {
  const app = CdkStage.of(proved.stacks[0]!)!;
  Validations.of(app).addPlugins(new Proof(proved));
}

/** A template as it would be for any account, region and partition, wherever its stack is to go. */
function read(path: string, { account, region, partition }: Stack): Template {
  const places = [
    [account, '{account}'],
    [region, '{region}'],
    // The word alone is in other names, too.
    [`arn:${partition}:`, 'arn:{partition}:'],
  ] as const;
  const known = places.filter(([place]) => !Token.isUnresolved(place));
  const text = known.reduce((all, [place, name]) => all.replaceAll(place, name), readFileSync(path, 'utf8'));
  return JSON.parse(text) as Template;
}

class Proof implements IPolicyValidationPlugin {
  readonly name: string;

  constructor(private readonly proved: Proved) {
    this.name = `stillmotion-${proved.stage}`;
  }

  validate({ stackTemplates }: IPolicyValidationContext): PolicyValidationPluginReport {
    const { stage, topology, stacks } = this.proved;
    const paths = stacks.map((stack) => stack.node.path);
    const own = stackTemplates.filter(({ stackConstructPath }) => paths.includes(stackConstructPath));
    if (own.length !== stacks.length) throw new Error(`of the stacks ${paths.join(', ')} only ${own.length} have a template`);
    const each = own.map(({ templatePath }) => read(templatePath, stacks[0]!));
    const lines = problems(new Templates(stage, each), promises(topology));
    return {
      success: lines.length === 0,
      violations: lines.map((line) => ({
        ruleName: 'proof',
        description: line,
        // Nobody can acknowledge a circle away.
        severity: 'fatal',
        violatingResources: [{ constructPath: paths[0]!, locations: [] }],
      })),
    };
  }
}
