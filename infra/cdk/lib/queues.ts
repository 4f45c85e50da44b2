/** Queues, and who may put messages in them. */

import { CfnQueue, CfnQueuePolicy } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

import { type Names, deadLettersOf } from './names.js';
import type { Stage } from './stage.js';
import { removal } from './tables.js';
import { type Queue, type Topology, isScheduled } from './topology.js';

/** A dead-letter queue of something that is not in the topology keeps what it gets for 14 days. */
const DEAD: Queue = { visibilityTimeoutSecs: 30, retentionSecs: 1_209_600 };

/** What is lost on the way to n8n. */
export const N8N_DEAD = deadLettersOf('n8n');

/** All queues of a stage: those of the topology, and the dead-letter queues of schedules and of n8n. */
export function allQueues(topology: Topology, stage: Stage): Readonly<Record<string, Queue>> {
  const scheduled = Object.entries(topology.functions).filter(([, it]) => isScheduled(it.trigger));
  return {
    ...topology.queues,
    ...Object.fromEntries(scheduled.map(([name]) => [deadLettersOf(name), DEAD])),
    ...(stage.n8n === undefined ? {} : { [N8N_DEAD]: DEAD }),
  };
}

/** Who puts messages in a queue on AWS's side: a service, on behalf of something of ours. */
interface Sender {
  readonly service: 's3' | 'events';
  readonly arn: string;
}

/** The queues of a stage. */
export class Queues extends Construct {
  /** By the name of a queue, what has to be there before anything is told to it. */
  readonly policies = new Map<string, CfnQueuePolicy>();

  constructor(scope: Construct, names: Names, topology: Topology, stage: Stage) {
    super(scope, 'Queues');
    const all = allQueues(topology, stage);
    for (const [name, it] of Object.entries(all)) {
      const queue = new CfnQueue(this, name, {
        queueName: names.of(name),
        visibilityTimeout: it.visibilityTimeoutSecs,
        messageRetentionPeriod: it.retentionSecs,
        sqsManagedSseEnabled: true,
        ...(it.deadLetterQueue === undefined
          ? {}
          : {
              redrivePolicy: {
                deadLetterTargetArn: names.queueArn(it.deadLetterQueue),
                maxReceiveCount: it.maxReceiveCount,
              },
            }),
      });
      queue.applyRemovalPolicy(removal(stage));
      this.policies.set(name, this.admit(name, queue, names, senders(names, topology, name)));
    }
    for (const [name, it] of Object.entries(all)) {
      // SQS wants the dead-letter queue to be there first.
      if (it.deadLetterQueue !== undefined)
        this.node.findChild(name).node.addDependency(this.node.findChild(it.deadLetterQueue));
    }
  }

  private admit(name: string, queue: CfnQueue, names: Names, senders: readonly Sender[]): CfnQueuePolicy {
    const deny = {
      Sid: 'TlsOnly',
      Effect: 'Deny',
      Principal: '*',
      // Everything, but only for those who come without TLS.
      Action: 'sqs:*',
      Resource: names.queueArn(name),
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    };
    const allowed = senders.map(({ service, arn }, place) => ({
      Sid: `Admit${place}`,
      Effect: 'Allow',
      Principal: { Service: `${service}.amazonaws.com` },
      Action: 'sqs:SendMessage',
      Resource: names.queueArn(name),
      Condition: {
        ArnEquals: { 'aws:SourceArn': arn },
        StringEquals: { 'aws:SourceAccount': names.account },
      },
    }));
    return new CfnQueuePolicy(this, `${name}-policy`, {
      queues: [queue.ref],
      policyDocument: { Version: '2012-10-17', Statement: [deny, ...allowed] },
    });
  }
}

function senders(names: Names, topology: Topology, queue: string): Sender[] {
  const rules = topology.bus.rules.filter(
    (rule) => rule.queue === queue || topology.queues[rule.queue]?.deadLetterQueue === queue,
  );
  const bucket = topology.bucket.notifications.some((notification) => notification.queue === queue);
  return [
    ...(bucket ? [{ service: 's3' as const, arn: names.bucketArn(topology.bucket.name) }] : []),
    // What a rule cannot put in its queue goes to that queue's dead-letter queue.
    ...rules.map((rule) => ({ service: 'events' as const, arn: names.ruleArn(rule.name) })),
    ...(queue === N8N_DEAD ? [{ service: 'events' as const, arn: names.ruleArn('n8n') }] : []),
  ];
}
