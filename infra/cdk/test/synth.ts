/** Stages, synthesised once for all tests of a file. */

import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { App } from 'aws-cdk-lib';

import { placeholderPackages, type Stage, Stillmotion, type StillmotionProps, stages } from '../lib/index.js';
import { type Template, Templates } from '../lib/proof/templates.js';
import { type Topology, readTopology, without } from '../lib/topology.js';

/** The settings that `cdk synth` runs the app with. */
const { context } = JSON.parse(readFileSync(new URL('../cdk.json', import.meta.url), 'utf8'));

const packages = placeholderPackages();

/** The names of the stages. */
export const STAGES = Object.keys(stages) as (keyof typeof stages)[];

/** A stage in an app, not synthesised yet; `change` is done to it. */
export function built(
  stage: Stage,
  change: (chain: Stillmotion, app: App) => void = () => {},
  props: Partial<StillmotionProps> = {},
): App {
  const app = new App({ context, outdir: mkdtempSync(join(tmpdir(), 'stillmotion-synth-')) });
  change(new Stillmotion(app, { stage, packages, ...props }), app);
  return app;
}

/** The templates of an app, stateful first. @throws what synthesis throws, with the report in it. */
export function synthesised(app: App, name: string): Templates {
  const stacks = app.synth().stacks.map((stack) => stack.template as Template);
  return new Templates(name, stacks);
}

const known = new Map<string, Templates>();

/** The templates of a stage of lib/stages.ts. */
export function templatesOf(name: keyof typeof stages): Templates {
  const once = known.get(name) ?? synthesised(built(stages[name]), name);
  known.set(name, once);
  return once;
}

/** The wiring of a stage of lib/stages.ts. */
export function topologyOf(name: keyof typeof stages): Topology {
  return without(readTopology(), stages[name].without);
}

/** A copy that may be changed without harm. */
export function copy(templates: Templates): Templates {
  return new Templates(templates.name, structuredClone(templates.each) as Template[]);
}
