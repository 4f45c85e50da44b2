/** Figures that alarms and the dashboard look at. */

import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';

import type { Names } from './names.js';
import { type Read, list, object, text } from './reading.js';
import { sharedFile } from './shared-files.js';

/** Figures of the functions themselves that are used here; `schemas/metrics.json` has all. */
export type ChainMetric = 'UnknownOrders' | 'SpentPercent' | 'ProviderRefusals' | 'RecordWait';

const PERIOD = Duration.minutes(5);

/** A figure, as `schemas/metrics.json` has it from the functions' code. */
interface Figure {
  readonly name: string;
  readonly unit: string;
  /** Functions that tell it. */
  readonly from: readonly string[];
  readonly meaning: string;
}

const figures: Read<{ metrics: readonly Figure[] }> = object({
  metrics: list(object<Figure>({ name: text, unit: text, from: list(text), meaning: text })),
});

/** @throws if the function does not tell the figure: an alarm on it would never go off. */
function checkTold(figure: ChainMetric, by: string): void {
  const json = sharedFile('metrics.json');
  if (json === undefined) return;
  const { metrics } = figures(JSON.parse(json), 'metrics');
  // A function that an app brings along is not among ours.
  if (!metrics.some((it) => it.from.includes(by))) return;
  const told = metrics.find((it) => it.name === figure);
  if (!told?.from.includes(by)) throw new Error(`"${by}" does not tell ${figure}, by schemas/metrics.json`);
}

/** A figure that a function tells. */
export function chainMetric(names: Names, figure: ChainMetric, by: string, statistic: string): Metric {
  checkTold(figure, by);
  return new Metric({
    namespace: names.bus,
    metricName: figure,
    dimensionsMap: { Function: by },
    statistic,
    period: PERIOD,
  });
}

/** A figure that SQS tells of a queue. */
export function queueMetric(names: Names, queue: string, figure: string, statistic: string): Metric {
  return new Metric({
    namespace: 'AWS/SQS',
    metricName: figure,
    dimensionsMap: { QueueName: names.of(queue) },
    statistic,
    period: PERIOD,
  });
}
