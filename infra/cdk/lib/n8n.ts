/** From the bus to n8n, without our code: integrations/eventbridge/n8n.md, as a construct. */

import { SecretValue } from 'aws-cdk-lib';
import { CfnApiDestination, CfnConnection, CfnRule } from 'aws-cdk-lib/aws-events';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

import { allow, policy } from './grants.js';
import type { Names } from './names.js';
import { N8N_DEAD } from './queues.js';
import { RETRY } from './rules.js';
import type { N8n as Wish } from './stage.js';

/** The member of secret `n8n` that n8n knows us by. */
export const N8N_SECRET = 'N8N_API_KEY';

/** Posts some facts to n8n. */
export class N8n extends Construct {
  constructor(scope: Construct, names: Names, { url, detailTypes, perSecond }: Wish) {
    super(scope, 'N8n');
    const connection = new CfnConnection(this, 'Connection', {
      name: names.of('n8n'),
      authorizationType: 'API_KEY',
      authParameters: {
        apiKeyAuthParameters: {
          apiKeyName: 'x-api-key',
          // A reference: CloudFormation reads the value when it deploys, so it has to be there by then.
          apiKeyValue: SecretValue.secretsManager(names.secret('n8n'), {
            jsonField: N8N_SECRET,
          }).unsafeUnwrap(),
        },
      },
    });
    const destination = new CfnApiDestination(this, 'Destination', {
      name: names.of('n8n'),
      connectionArn: connection.attrArn,
      httpMethod: 'POST',
      invocationEndpoint: url,
      invocationRateLimitPerSecond: perSecond,
    });
    const role = new Role(this, 'Role', {
      description: 'Lets the bus post to n8n, and nothing else',
      assumedBy: new ServicePrincipal('events.amazonaws.com', {
        conditions: {
          ArnEquals: { 'aws:SourceArn': names.ruleArn('n8n') },
          StringEquals: { 'aws:SourceAccount': names.account },
        },
      }),
      inlinePolicies: {
        post: policy(allow('Post', ['events:InvokeApiDestination'], [destination.attrArn])),
      },
    });
    new CfnRule(this, 'Rule', {
      name: names.of('n8n'),
      eventBusName: names.bus,
      eventPattern: { source: [{ prefix: 'stillmotion.' }], 'detail-type': [...detailTypes] },
      state: 'ENABLED',
      targets: [
        {
          id: 'n8n',
          arn: destination.attrArn,
          roleArn: role.roleArn,
          retryPolicy: RETRY,
          deadLetterConfig: { arn: names.queueArn(N8N_DEAD) },
        },
      ],
    });
  }
}
