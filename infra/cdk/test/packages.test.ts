/** Every function and layer is made of its own zip, built for its own processor. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { App } from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';

import { type Packages, placeholderPackages, type Stage, stages } from '../lib/index.js';
import { type Template, Templates } from '../lib/proof/templates.js';
import { built, STAGES, topologyOf } from './synth.js';

/** What the functions and layers of a stage are made of: `function ltx` → `ltx arm64`, as the zip itself says. */
function madeOf(app: App, name: string): Map<string, string> {
  const assembly = app.synth();
  const templates = new Templates(name, assembly.stacks.map((stack) => stack.template as Template));
  const said = (key: unknown) => {
    const zip = readFileSync(join(assembly.directory, `asset.${String(key)}`));
    return zip.subarray(22).toString();
  };
  return new Map([
    ...templates
      .all('AWS::Lambda::Function')
      .map((found) => [`function ${templates.named(found)}`, said(found.properties.Code.S3Key)] as const),
    ...templates
      .all('AWS::Lambda::LayerVersion')
      .map((found) => [`layer ${templates.short(found.properties.LayerName)}`, said(found.properties.Content.S3Key)] as const),
  ]);
}

/** What they should be made of. */
function planned(stage: Stage, functions: string[]): Map<string, string> {
  return new Map([
    ...functions.map((name) => [`function ${name}`, `${name} ${stage.architecture}`] as const),
    ...['ffmpeg', 'fonts'].map((name) => [`layer ${name}`, `layer-${name} ${stage.architecture}`] as const),
  ]);
}

const sorted = (map: Map<string, string>) => [...map].sort();

describe.each(STAGES)('%s', (name) => {
  const functions = Object.keys(topologyOf(name).functions);

  test.each(['x86_64', 'arm64'] as const)('has in each function the zip of that function, for %s', (architecture) => {
    const stage = { ...stages[name], architecture };
    expect(sorted(madeOf(built(stage), name))).toEqual(sorted(planned(stage, functions)));
  });
});

/** Packages that give what was not asked for. */
const WRONG: [string, (real: Packages) => Partial<Packages>][] = [
  ['the zip of the api in every function', (real) => ({ function: (_, architecture) => real.function('api', architecture) })],
  ['one processor for all', (real) => ({ function: (name) => real.function(name, 'sparc') })],
  ['one layer twice', (real) => ({ layer: (_, architecture) => real.layer('fonts', architecture) })],
];

test.each(WRONG)('%s would be seen', (_, change) => {
  const real = placeholderPackages();
  const packages: Packages = { arePlaceholders: true, function: real.function, layer: real.layer, ...change(real) };
  const functions = Object.keys(topologyOf('dev').functions);
  const made = sorted(madeOf(built(stages.dev, () => {}, { packages }), 'dev'));
  expect(made).not.toEqual(sorted(planned(stages.dev, functions)));
});
