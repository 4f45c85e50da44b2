/** Who is told of what, and when. */

import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';

import { type ChainMetric, chainMetric, queueMetric, tellsFigures } from './metrics.js';
import type { Names } from './names.js';
import type { Stage } from './stage.js';

const FIVE_MINUTES = Duration.minutes(5);

/** A record that keeps failing comes again after five minutes at the latest: a few times in these. */
const FAILURES_WITHIN = Duration.minutes(15);

/** An alarm, in a few words. */
interface Watch {
  /** What it is called, behind the name of the stage. */
  readonly name: string;
  /** What is wrong, and where to look. */
  readonly says: string;
  readonly metric: IMetric;
  /** It goes off from here on. */
  readonly from: number;
  readonly below?: boolean;
  readonly periods?: number;
  readonly missing?: TreatMissingData;
}

/** The alarms of a stage, and the topic that they go to. */
export class Alarms extends Construct {
  readonly topic: Topic;

  constructor(
    scope: Construct,
    private readonly names: Names,
    private readonly stage: Stage,
  ) {
    super(scope, 'Alarms');
    this.topic = this.encryptedTopic();
    for (const email of stage.alarms.emails) this.topic.addSubscription(new EmailSubscription(email));
  }

  /** On faults of a function. */
  onFunction(name: string, it: IFunction): void {
    const { errors, throttles } = this.stage.alarms;
    this.watch({
      name: `${name}-errors`,
      says: `Invocations of ${name} end in a fault or run out of time: see its log`,
      metric: it.metricErrors({ period: FIVE_MINUTES, statistic: 'Sum' }),
      from: errors,
    });
    this.watch({
      name: `${name}-throttles`,
      says: `Lambda does not begin invocations of ${name}: the account's concurrency is used up`,
      metric: it.metricThrottles({ period: FIVE_MINUTES, statistic: 'Sum' }),
      from: throttles,
    });
  }

  /**
   * On messages that wait for too long, and on those that nothing can help.
   *
   * Source: Amazon SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS": a message that
   * was received three or more times leaves the age of the oldest. `onRecords` is about those.
   */
  onQueue(queue: string, dead: string | undefined): void {
    const limit = this.stage.alarms.oldestMessageSecs[queue];
    if (limit === undefined) {
      const missing = `does not say how long a message may wait in queue "${queue}": alarms.oldestMessageSecs`;
      throw new Error(`stage "${this.stage.name}" ${missing}`);
    }
    this.watch({
      name: `${queue}-oldest-message`,
      says: `Nobody takes a message from queue ${queue}: received fewer than three times, it is ${limit} s old`,
      metric: queueMetric(this.names, queue, 'ApproximateAgeOfOldestMessage', 'Maximum'),
      from: limit,
    });
    if (dead !== undefined) this.onDeadLetters(dead);
  }

  /** On records that a function takes again and again without success. */
  onRecords(name: string): void {
    if (!tellsFigures(name)) return;
    const limit = this.stage.alarms.failedRecords;
    this.watch({
      name: `${name}-failed-records`,
      says:
        `Records that ${name} took ended in faults, ${limit} times in 15 minutes; ` +
        'they come again until they succeed or are dead letters: see "failed" in its log',
      metric: chainMetric(this.names, 'RecordsFailed', name, 'Sum').with({ period: FAILURES_WITHIN }),
      from: limit,
    });
  }

  /** On anything in a dead-letter queue. */
  onDeadLetters(dead: string): void {
    this.watch({
      name: `${dead}-letters`,
      says: `There are messages in queue ${dead}: look into them, then redrive (docs/OPERATIONS.md)`,
      metric: queueMetric(this.names, dead, 'ApproximateNumberOfMessagesVisible', 'Maximum'),
      from: 1,
    });
  }

  /** On a clock that stands still. */
  onSchedule(name: string, it: IFunction, every: Duration): void {
    this.watch({
      name: `${name}-stands-still`,
      says: `${name} has not run in the last three times that it should have: jobs may not come to an end`,
      metric: it.metricInvocations({ period: every, statistic: 'Sum' }),
      from: 1,
      below: true,
      periods: 3,
      // No run, no figure: that is what this is about.
      missing: TreatMissingData.BREACHING,
    });
  }

  /** On answers with 5xx. */
  onApi(apiId: string): void {
    this.watch({
      name: 'api-5xx',
      says: 'The API answers with 5xx: see the logs of api and of its gateway',
      metric: new Metric({
        namespace: 'AWS/ApiGateway',
        metricName: '5xx',
        dimensionsMap: { ApiId: apiId },
        statistic: 'Sum',
        period: FIVE_MINUTES,
      }),
      from: this.stage.alarms.serverErrors,
    });
  }

  /** On money: what may have been charged, what is nearly spent, and who does not take our orders. */
  onMoney(): void {
    this.onFigure(
      'UnknownOrders',
      'sweep',
      1,
      'There are orders that may have been charged and whose answer is lost: settle them (docs/OPERATIONS.md)',
    );
    this.onFigure(
      'SpentPercent',
      'sweep',
      this.stage.alarms.spentPercent,
      'The tightest cap on what clips may cost is nearly reached',
    );
    this.watch({
      name: 'provider-refusals',
      says: 'A provider does not accept the key, or has no credit left',
      metric: chainMetric(this.names, 'ProviderRefusals', 'ltx', 'Sum'),
      from: 1,
    });
  }

  /** A figure that the sweep tells each time: when it is not told, the last one still holds. */
  private onFigure(figure: ChainMetric, by: string, from: number, says: string): void {
    const name = figure.replace(/(?<=.)[A-Z]/g, '-$&').toLowerCase();
    this.watch({
      name,
      says,
      metric: chainMetric(this.names, figure, by, 'Maximum'),
      from,
      missing: TreatMissingData.IGNORE,
    });
  }

  private watch({ name, says, metric, from, below = false, periods = 1, missing }: Watch): void {
    const alarm = new Alarm(this, name, {
      alarmName: this.names.of(name),
      alarmDescription: says,
      metric,
      threshold: from,
      comparisonOperator: below
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: periods,
      // A function that does not run and a queue that is not used tell nothing, which is well.
      treatMissingData: missing ?? TreatMissingData.NOT_BREACHING,
    });
    const told = new SnsAction(this.topic);
    alarm.addAlarmAction(told);
    alarm.addOkAction(told);
  }

  /** A key of our own: CloudWatch and Budgets may not use the one that SNS would bring. */
  private encryptedTopic(): Topic {
    const key = new Key(this, 'Key', {
      description: `Encrypts what the alarms of ${this.names.bus} say`,
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const topic = new Topic(this, 'Topic', {
      topicName: this.names.of('alarms'),
      masterKey: key,
      enforceSSL: true,
    });
    const { account } = Stack.of(this);
    const by = {
      principals: ['budgets', 'cloudwatch'].map(
        (service) => new ServicePrincipal(`${service}.amazonaws.com`),
      ),
      conditions: { StringEquals: { 'aws:SourceAccount': account } },
    };
    // In the policy of a key, the star is this key.
    key.addToResourcePolicy(
      new PolicyStatement({ ...by, actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: ['*'] }),
    );
    topic.addToResourcePolicy(
      new PolicyStatement({ ...by, actions: ['sns:Publish'], resources: [topic.topicArn] }),
    );
    return topic;
  }
}
