/**
 * The stages of lib/stages.ts.
 *
 * `-c stages=dev,prod`: only these. `-c packages=DIR` or `STILLMOTION_PACKAGES`: where built functions
 * are, or `placeholder`. `-c deploy=true`: what is made here will be deployed, so nothing in it may be
 * an example.
 */

import { App } from 'aws-cdk-lib';

import { type Stage, Stillmotion, examplesIn, packagesAt, stages } from '../lib/index.js';

const app = new App();

/** The stages that are asked for. */
function wanted(): Stage[] {
  const names = app.node.tryGetContext('stages')?.split(',') ?? Object.keys(stages);
  return names.map((name: string) => {
    const stage = Object.values(stages).find((it) => it.name === name);
    if (stage === undefined)
      throw new Error(
        `there is no stage "${name}" in lib/stages.ts, which has ${Object.keys(stages).join(', ')}`,
      );
    return stage;
  });
}

/** Refuses what is only there to be looked at. */
function checkForDeployment(stage: Stage, arePlaceholders: boolean): void {
  if (arePlaceholders) throw new Error('placeholders cannot be deployed: run ./stillmotion package');
  const examples = examplesIn(stage);
  if (examples.length > 0)
    throw new Error(
      `stage "${stage.name}" has examples for addresses, put yours into lib/stages.ts: ${examples.join(', ')}`,
    );
}

const packages = packagesAt(app.node.tryGetContext('packages') ?? process.env['STILLMOTION_PACKAGES']);
const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env;
const env = account === undefined || region === undefined ? {} : { env: { account, region } };

try {
  for (const stage of wanted()) {
    if (app.node.tryGetContext('deploy') === 'true') checkForDeployment(stage, packages.arePlaceholders);
    new Stillmotion(app, { stage, packages, ...env });
  }
} catch (error) {
  // One line: what is wrong and what to do. Where it was thrown helps nobody.
  console.error(`stillmotion: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
