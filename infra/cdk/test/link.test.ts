import { App } from 'aws-cdk-lib';
import { describe, expect, it } from 'vitest';

import {
  type Stage,
  Stillmotion,
  type Topology,
  placeholderPackages,
  readTopology,
  stages,
} from '../lib/index.js';
import { isFed } from '../lib/topology.js';

/** The chain with one more link. */
function withCaptions(): Topology {
  const topology = readTopology();
  const queue = { visibilityTimeoutSecs: 360, retentionSecs: 864000 };
  return {
    ...topology,
    queues: {
      ...topology.queues,
      captions: { ...queue, maxReceiveCount: 5, deadLetterQueue: 'captions-dead' },
      'captions-dead': { visibilityTimeoutSecs: 30, retentionSecs: 1209600 },
    },
    functions: {
      ...topology.functions,
      captions: {
        trigger: { queue: 'captions', batchSize: 1, batchWindowSecs: 0, maximumConcurrency: 2 },
        timeoutSecs: 60,
        memoryMb: 256,
        reads: ['renders/'],
        writes: [],
        sends: [],
        publishes: [],
        tables: { jobs: ['read'] },
      },
    },
  };
}

function make(app: App, stage: Stage): Stillmotion {
  return new Stillmotion(app, { stage, packages: placeholderPackages(), topology: withCaptions() });
}

describe('a further link', () => {
  it('is an entry in the topology, and how long a message may wait for it in a stage', () => {
    const app = new App({ analyticsReporting: false });
    const oldestMessageSecs = { ...stages.dev.alarms.oldestMessageSecs, captions: 600 };
    const stage = { ...stages.dev, alarms: { ...stages.dev.alarms, oldestMessageSecs } };
    const { stateful, stateless } = make(app, stage);
    const assembly = app.synth();
    const made = [stateful, stateless]
      .flatMap((stack) => Object.entries<any>(assembly.getStackArtifact(stack.artifactId).template.Resources))
      .filter(([id]) => /captions/i.test(id))
      .map(([, { Type, Properties }]) => `${Type} ${Properties.AlarmName ?? ''}`.trim());

    expect(made.sort()).toEqual([
      'AWS::CloudWatch::Alarm stillmotion-dev-captions-dead-letters',
      'AWS::CloudWatch::Alarm stillmotion-dev-captions-errors',
      'AWS::CloudWatch::Alarm stillmotion-dev-captions-oldest-message',
      'AWS::CloudWatch::Alarm stillmotion-dev-captions-throttles',
      'AWS::IAM::Role',
      'AWS::Lambda::EventSourceMapping',
      'AWS::Lambda::Function',
      'AWS::Logs::LogGroup',
      'AWS::SQS::Queue',
      'AWS::SQS::Queue',
      'AWS::SQS::QueuePolicy',
      'AWS::SQS::QueuePolicy',
    ]);
  });

  it('of the chain is watched for records that fail, by its name in the topology', () => {
    const app = new App({ analyticsReporting: false });
    const { stateless } = new Stillmotion(app, { stage: stages.prod, packages: placeholderPackages() });
    const { Resources } = app.synth().getStackArtifact(stateless.artifactId).template;
    const watched = Object.values<any>(Resources)
      .filter((it) => it.Properties.MetricName === 'RecordsFailed')
      .map(({ Properties }) => ({
        function: Properties.Dimensions,
        seconds: Properties.Period,
        from: Properties.Threshold,
      }));
    const fed = Object.entries(readTopology().functions).filter(([, it]) => isFed(it.trigger));

    expect(watched).toHaveLength(7);
    expect(watched).toEqual(
      fed.map(([Value]) => ({ function: [{ Name: 'Function', Value }], seconds: 900, from: stages.prod.alarms.failedRecords })),
    );
  });

  it('without that number is refused', () => {
    expect(() => make(new App(), stages.dev)).toThrow(
      'does not say how long a message may wait in queue "captions"',
    );
  });
});
