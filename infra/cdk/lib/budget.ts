/** What AWS may charge for the stage. */

import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

import type { Stage } from './stage.js';

/**
 * Tells at 80 and at 100 %. The tag has to be activated once as a cost allocation tag of the account.
 *
 * CloudFormation names it: it makes a budget anew for most changes, before it deletes the old one,
 * and names of budgets are the account's, in all its regions.
 */
export function budget(scope: Construct, stage: Stage, topic: ITopic): CfnBudget {
  return new CfnBudget(scope, 'Budget', {
    budget: {
      budgetType: 'COST',
      timeUnit: 'MONTHLY',
      budgetLimit: { amount: stage.budgetUsd, unit: 'USD' },
      // Source: AWS Billing, "Budgets", cost filters: `user:` and the key, `$` and the value of a tag.
      costFilters: { TagKeyValue: [`user:stillmotion:stage$${stage.name}`] },
    },
    notificationsWithSubscribers: [80, 100].map((threshold) => ({
      notification: {
        notificationType: 'ACTUAL',
        comparisonOperator: 'GREATER_THAN',
        threshold,
        thresholdType: 'PERCENTAGE',
      },
      subscribers: [{ subscriptionType: 'SNS', address: topic.topicArn }],
    })),
  });
}
