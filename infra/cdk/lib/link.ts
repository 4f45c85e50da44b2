/** A link of the chain: a queue, and the function that it feeds. */

import { Duration } from 'aws-cdk-lib';
import { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';

import { ChainFunction, type Surroundings } from './chain-function.js';
import { type QueueTrigger } from './topology.js';

/**
 * Queue → function, with all that belongs to it: partial batch responses, a limit on what runs at
 * once, dead letters (the queue has them), and alarms. A further link is an entry in the topology.
 */
export class Link extends ChainFunction {
  constructor(scope: Construct, name: string, trigger: QueueTrigger, surroundings: Surroundings) {
    super(scope, name, surroundings);
    const { names, topology, alarms } = surroundings;
    new EventSourceMapping(this, 'Source', {
      target: this.function,
      eventSourceArn: names.queueArn(trigger.queue),
      batchSize: trigger.batchSize,
      maxBatchingWindow: Duration.seconds(trigger.batchWindowSecs),
      reportBatchItemFailures: true,
      // Not reserved concurrency: that counts refused invocations as receipts, and healthy messages
      // end as dead letters.
      maxConcurrency: trigger.maximumConcurrency,
    });
    alarms.onRecords(name);
    alarms.onQueue(trigger.queue, topology.queues[trigger.queue]!.deadLetterQueue);
  }
}
