/** Figures that alarms and the dashboard look at. */

import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';

import type { Names } from './names.js';
import { type Read, list, object, text } from './reading.js';
import { sharedFile } from './shared-files.js';

/** Figures of the functions themselves that are used here; `schemas/metrics.json` has all. */
export type ChainMetric =
  | 'UnknownOrders'
  | 'SpentPercent'
  | 'ProviderRefusals'
  | 'RecordsFailed'
  | 'RecordWait';

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

function read(): readonly Figure[] | undefined {
  const json = sharedFile('metrics.json');
  return json === undefined ? undefined : figures(JSON.parse(json), 'metrics').metrics;
}

/** Whether a function tells any figures, as far as is known; one that an app brings along does not. */
export function tellsFigures(by: string): boolean {
  return read()?.some((it) => it.from.includes(by)) ?? true;
}

/** @throws if the function does not tell the figure: an alarm on it would never go off. */
function checkTold(figure: ChainMetric, by: string): void {
  const metrics = read();
  if (metrics === undefined || !tellsFigures(by)) return;
  const told = metrics.find((it) => it.name === figure);
  if (!told?.from.includes(by)) throw new Error(`"${by}" does not tell ${figure}, by schemas/metrics.json`);
}

/** A figure that a function tells, under its name in the topology: the stage is in the namespace. */
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
