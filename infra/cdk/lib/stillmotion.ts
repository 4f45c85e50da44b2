/** The chain, for an app. */

import type { Environment } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

import { type Packages, builtPackages } from './packages.js';
import { prove } from './proof/prove.js';
import { allQueues } from './queues.js';
import { type Stage, checkStage } from './stage.js';
import { StatefulStack } from './stateful-stack.js';
import { StatelessStack } from './stateless-stack.js';
import { type Topology, readTopology, without } from './topology.js';

/** What a stage is made from. */
export interface StillmotionProps {
  readonly stage: Stage;
  /** Built functions and layers: the folder of zips, below it one for each architecture. */
  readonly packages: string | Packages;
  /** Account and region; none: those of whoever deploys. */
  readonly env?: Environment;
  /** The wiring; none: that of the chain. */
  readonly topology?: Topology;
}

/** The two stacks of a stage, `stillmotion-{stage}-stateful` and `-stateless`, in an app. */
export class Stillmotion {
  readonly stateful: StatefulStack;
  readonly stateless: StatelessStack;

  constructor(
    scope: Construct,
    { stage, packages, env, topology: whole = readTopology() }: StillmotionProps,
  ) {
    const topology = without(whole, stage.without);
    const retentions = Object.values(allQueues(topology, stage)).map((queue) => queue.retentionSecs);
    checkStage(stage, whole, Math.max(...retentions));
    const shared = { topology, stage, ...(env === undefined ? {} : { env }) };
    const built = typeof packages === 'string' ? builtPackages(packages) : packages;
    this.stateful = new StatefulStack(scope, `stillmotion-${stage.name}-stateful`, shared);
    this.stateless = new StatelessStack(scope, `stillmotion-${stage.name}-stateless`, {
      ...shared,
      packages: built,
    });
    // It uses the other by name, which CDK cannot see.
    this.stateless.addStackDependency(this.stateful);
    prove({ stage: stage.name, topology, stacks: [this.stateful, this.stateless] });
  }
}
