/** What the proof asks of the topology. */

import { type ChainFunction, isFed } from '../topology.js';

/** The queue that feeds a function, if one does. */
export function fedBy({ trigger }: ChainFunction): string | undefined {
  return isFed(trigger) ? trigger.queue : undefined;
}

/** What a fact is about, in the words of `publishes`. */
export function classOf(detailType: string): 'jobs' | 'endpoints' {
  return detailType === 'WebhookEndpointDisabled.v1' ? 'endpoints' : 'jobs';
}
