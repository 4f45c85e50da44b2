/** A function that a clock runs. */

import { Duration } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { EventInvokeConfig } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { CfnSchedule, CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

import { ChainFunction, type Surroundings } from './chain-function.js';
import { allow, policy } from './grants.js';
import { deadLettersOf } from './names.js';
import type { ScheduleTrigger } from './topology.js';

/**
 * Clock → function.
 *
 * A run that fails is not repeated: the next one does the same work. What was not run is kept in
 * the dead-letter queue, and an alarm tells when nothing runs at all.
 */
export class Scheduled extends ChainFunction {
  constructor(scope: Construct, name: string, trigger: ScheduleTrigger, surroundings: Surroundings) {
    super(scope, name, surroundings);
    const { names, alarms } = surroundings;
    const dead = names.queueArn(deadLettersOf(name));
    new EventInvokeConfig(this, 'Invocations', {
      function: this.function,
      retryAttempts: 0,
      maxEventAge: Duration.seconds(Math.max(60, trigger.everySecs)),
      onFailure: new SqsDestination(Queue.fromQueueArn(this, 'Dead', dead)),
    });

    const group = new CfnScheduleGroup(this, 'Group', { name: names.of(name) });
    const role = new Role(this, 'ScheduleRole', {
      description: `Lets the clock run ${names.of(name)}, and nothing else`,
      // The group and not the schedule: that is what Scheduler says it comes on behalf of.
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: {
          ArnEquals: { 'aws:SourceArn': group.attrArn },
          StringEquals: { 'aws:SourceAccount': names.account },
        },
      }),
      inlinePolicies: {
        run: policy(
          allow('Run', ['lambda:InvokeFunction'], [this.function.functionArn]),
          allow('Bury', ['sqs:SendMessage'], [dead]),
        ),
      },
    });
    new CfnSchedule(this, 'Schedule', {
      name: names.of(name),
      groupName: group.ref,
      description: `Runs ${names.of(name)} every ${trigger.everySecs} s`,
      scheduleExpression: every(trigger.everySecs),
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: this.function.functionArn,
        roleArn: role.roleArn,
        input: '{}',
        deadLetterConfig: { arn: dead },
        retryPolicy: { maximumRetryAttempts: 3, maximumEventAgeInSeconds: Math.max(60, trigger.everySecs) },
      },
    });
    alarms.onSchedule(name, this.function, Duration.seconds(trigger.everySecs));
    alarms.onDeadLetters(deadLettersOf(name));
  }
}

function every(secs: number): string {
  if (secs % 60 !== 0) throw new Error(`topology: a schedule of ${secs} s is none of whole minutes`);
  return secs === 60 ? 'rate(1 minute)' : `rate(${secs / 60} minutes)`;
}
