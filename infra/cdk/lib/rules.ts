/** Rules of the bus: which facts go to which queue. */

import { CfnRule } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';

import type { Names } from './names.js';
import type { Topology } from './topology.js';

/** How long EventBridge tries to hand a fact over: as long as it can. */
export const RETRY = { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 };

/**
 * The rules of the topology. What a rule cannot put in its queue goes to that queue's dead-letter
 * queue: it is the same fact that the function would have buried.
 */
export class Rules extends Construct {
  constructor(scope: Construct, names: Names, topology: Topology) {
    super(scope, 'Rules');
    for (const { name, pattern, queue } of topology.bus.rules) {
      const dead = topology.queues[queue]!.deadLetterQueue;
      new CfnRule(this, name, {
        name: names.of(name),
        eventBusName: names.bus,
        eventPattern: pattern,
        state: 'ENABLED',
        targets: [
          {
            id: queue,
            arn: names.queueArn(queue),
            retryPolicy: RETRY,
            ...(dead === undefined ? {} : { deadLetterConfig: { arn: names.queueArn(dead) } }),
          },
        ],
      });
    }
  }
}
