/** Figures that alarms and the dashboard look at. */

import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';

import type { Names } from './names.js';

/** Figures of the functions themselves that are used here; `schemas/metrics.json` has all. */
export type ChainMetric = 'UnknownOrders' | 'SpentPercent' | 'ProviderRefusals' | 'RecordWait';

const PERIOD = Duration.minutes(5);

/** A figure that a function tells. */
export function chainMetric(names: Names, figure: ChainMetric, by: string, statistic: string): Metric {
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
