/** What things are called on AWS. */

import { ArnFormat, type Stack } from 'aws-cdk-lib';

/** The name of something of a stage. */
export function physical(stage: string, name: string): string {
  return `stillmotion-${stage}-${name}`;
}

/** The dead-letter queue of something that no queue of the topology feeds. */
export function deadLettersOf(name: string): string {
  return `${name}-dead`;
}

/**
 * Names and ARNs of a stage, as seen from one of its stacks.
 *
 * Names are fixed, so one stack needs no value from the other: an export that is in use would keep
 * its stack from being changed. It also breaks the circle between a bucket that notifies a queue
 * and a queue that admits the bucket.
 */
export class Names {
  constructor(
    private readonly stack: Stack,
    readonly stage: string,
  ) {}

  get account(): string {
    return this.stack.account;
  }

  /** The name of a queue, table, function, rule. */
  of(name: string): string {
    return physical(this.stage, name);
  }

  /** The name of a bucket, unique in the world. */
  bucket(name: string): string {
    return `${this.of(name)}-${this.stack.account}-${this.stack.region}`;
  }

  bucketArn(name: string): string {
    return this.stack.formatArn({ service: 's3', region: '', account: '', resource: this.bucket(name) });
  }

  queueArn(name: string): string {
    return this.stack.formatArn({ service: 'sqs', resource: this.of(name) });
  }

  queueUrl(name: string): string {
    const { region, urlSuffix, account } = this.stack;
    return `https://sqs.${region}.${urlSuffix}/${account}/${this.of(name)}`;
  }

  tableArn(name: string): string {
    return this.stack.formatArn({ service: 'dynamodb', resource: 'table', resourceName: this.of(name) });
  }

  /** The name of the bus, and of its archive. */
  get bus(): string {
    return `stillmotion-${this.stage}`;
  }

  /** The name of the dashboard: an account has them in common for all its regions. */
  get dashboard(): string {
    return `${this.bus}-${this.stack.region}`;
  }

  get busArn(): string {
    return this.stack.formatArn({ service: 'events', resource: 'event-bus', resourceName: this.bus });
  }

  ruleArn(name: string): string {
    return this.stack.formatArn({
      service: 'events',
      resource: 'rule',
      resourceName: `${this.bus}/${this.of(name)}`,
    });
  }

  /** The name of a secret. */
  secret(name: string): string {
    return `stillmotion/${this.stage}/${name}`;
  }

  secretArn(name: string): string {
    return this.stack.formatArn({
      service: 'secretsmanager',
      resource: 'secret',
      // Secrets Manager ends the ARN with a hyphen and six characters of its own choice.
      resourceName: `${this.secret(name)}-??????`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  }

  /** The log group of a function. */
  logGroup(name: string): string {
    return `/aws/lambda/${this.of(name)}`;
  }

  logGroupArn(name: string): string {
    return this.stack.formatArn({
      service: 'logs',
      resource: 'log-group',
      resourceName: this.logGroup(name),
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  }
}
