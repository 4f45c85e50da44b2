/** The dashboard: a row for each function, in the order of the chain. */

import { Dashboard, GraphWidget, type IMetric, Metric, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';

import type { ChainFunction } from './chain-function.js';
import { chainMetric, queueMetric } from './metrics.js';
import type { Names } from './names.js';
import { isAsked, isFed } from './topology.js';

/** Puts a row for each function, what waits for it on the left and how it does on the right. */
export function dashboard(
  scope: Construct,
  names: Names,
  functions: readonly ChainFunction[],
  apiId: string,
): Dashboard {
  const rows = functions.map((it) => [
    new TextWidget({ markdown: `## ${it.functionName}`, width: 24, height: 1 }),
    ...before(names, it, apiId),
    graph('invocations', [
      it.function.metricInvocations(),
      it.function.metricErrors(),
      it.function.metricThrottles(),
    ]),
    graph(
      'duration',
      [50, 99].map((p) => it.function.metricDuration({ statistic: `p${p}`, label: `p${p}` })),
    ),
  ]);
  // A text as wide as the dashboard, then its widgets beside each other, is two lines of it.
  const lines = rows.flatMap(([title, ...widgets]) => [[title!], widgets]);
  return new Dashboard(scope, 'Dashboard', { dashboardName: names.dashboard, widgets: lines });
}

/** What waits for a function, or asks it, or what it found. */
function before(names: Names, it: ChainFunction, apiId: string): GraphWidget[] {
  const { trigger } = it.described;
  if (isFed(trigger)) {
    const { queue } = trigger;
    const depth = ['ApproximateNumberOfMessagesVisible', 'ApproximateNumberOfMessagesNotVisible'];
    return [
      graph(
        `queue ${queue}`,
        depth.map((figure) => queueMetric(names, queue, figure, 'Maximum')),
        [queueMetric(names, queue, 'ApproximateAgeOfOldestMessage', 'Maximum')],
      ),
      graph(
        'wait',
        [50, 99].map((p) =>
          chainMetric(names, 'RecordWait', it.functionName, `p${p}`).with({ label: `p${p}` }),
        ),
      ),
    ];
  }
  if (isAsked(trigger)) {
    const figure = (metricName: string, statistic: string) =>
      new Metric({ namespace: 'AWS/ApiGateway', metricName, dimensionsMap: { ApiId: apiId }, statistic });
    return [
      graph('requests (whole API)', [figure('Count', 'Sum'), figure('4xx', 'Sum'), figure('5xx', 'Sum')]),
      graph('latency (whole API)', [figure('Latency', 'p50'), figure('Latency', 'p99')]),
    ];
  }
  return [
    graph('unknown orders', [chainMetric(names, 'UnknownOrders', it.functionName, 'Maximum')]),
    graph('spent, % of the tightest cap', [chainMetric(names, 'SpentPercent', it.functionName, 'Maximum')]),
  ];
}

function graph(title: string, left: IMetric[], right: IMetric[] = []): GraphWidget {
  return new GraphWidget({ title, left, right, width: 6, height: 5 });
}
