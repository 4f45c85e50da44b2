/** What AWS asks for, in dollars: list prices of us-east-1, first tier, no free tier. */

import { type Figure, type Source, figuresOf } from './figure.js';

const REGION = 'us-east-1';
const LOOKED_UP = '2026-11-21';

/** Quotes the AWS Price List files of the day, usage type by usage type. */
const PRICE_LIST: Source = {
  source: 'AWS Price List, quoted in github.com/ocelhq/ocel, issue 1014, "The price book"',
  asOf: '2026-09-06',
  grade: 'quoted',
};
const EVENTBRIDGE: Source = { source: 'cloudburn.io/blog/amazon-eventbridge-pricing', asOf: '2026-03-13', grade: 'quoted' };
const SQS: Source = { source: 'cloudburn.io/blog/amazon-sqs-pricing', asOf: '2026-03-14', grade: 'quoted' };
const GATEWAY: Source = { source: 'awsforengineers.com/blog/aws-api-gateway-pricing-explained', asOf: '2025-05-19', grade: 'quoted' };
const CLOUDWATCH: Source = { source: 'factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards', asOf: '2026-06-13', grade: 'quoted' };
const METRICS: Source = { source: 'signoz.io/guides/cloudwatch-pricing', asOf: '2026-02-15', grade: 'quoted' };
const SECRETS: Source = {
  source: 'aws.amazon.com/secrets-manager/pricing, quoted in api-evangelist/amazon-secrets-manager',
  asOf: '2026-09-20',
  grade: 'quoted',
};
const GLACIER: Source = { source: 'awsnegotiations.com/s3-storage.html', grade: 'quoted' };
const MEMORY: Source = { source: 'memory', grade: 'memory' };

const from = (page: Source) => figuresOf(page, REGION, LOOKED_UP);
const million = 1e-6;

/** Prices by service. */
export const PRICES = {
  lambdaRequest: from(PRICE_LIST)('Lambda, request', 0.2 * million, 'request'),
  lambdaX86: from(PRICE_LIST)('Lambda, x86_64', 0.0000166667, 'GB-second'),
  lambdaArm: from(PRICE_LIST)('Lambda, arm64', 0.0000133334, 'GB-second'),
  lambdaTemporary: from(PRICE_LIST)('Lambda, /tmp above 512 MB', 0.0000000309, 'GB-second'),
  s3Storage: from(PRICE_LIST)('S3 Standard', 0.023, 'GB-month'),
  s3Put: from(PRICE_LIST)('S3 PUT, COPY, POST, LIST', 5 * million, 'request'),
  s3Get: from(PRICE_LIST)('S3 GET, HEAD', 0.4 * million, 'request'),
  s3Glacier: from(GLACIER)('S3 Glacier Instant Retrieval', 0.004, 'GB-month'),
  s3Transition: from(MEMORY)('S3, move to Glacier Instant Retrieval', 20 * million, 'object'),
  transferOut: from(PRICE_LIST)('Transfer to the internet', 0.09, 'GB'),
  dynamoWrite: from(PRICE_LIST)('DynamoDB on demand, write unit', 0.625 * million, 'unit'),
  dynamoRead: from(PRICE_LIST)('DynamoDB on demand, read unit', 0.125 * million, 'unit'),
  dynamoStorage: from(PRICE_LIST)('DynamoDB storage', 0.25, 'GB-month'),
  dynamoRecovery: from(MEMORY)('DynamoDB point-in-time recovery', 0.2, 'GB-month'),
  sqsRequest: from(SQS)('SQS standard', 0.4 * million, 'request'),
  event: from(EVENTBRIDGE)('EventBridge, event of our own', 1 * million, 'event'),
  archiveIn: from(EVENTBRIDGE)('EventBridge archive, taken in', 0.1, 'GB'),
  httpRequest: from(GATEWAY)('API Gateway, HTTP API', 1 * million, 'request'),
  logs: from(CLOUDWATCH)('CloudWatch Logs, taken in', 0.5, 'GB'),
  dashboard: from(CLOUDWATCH)('CloudWatch dashboard', 3, 'month'),
  metric: from(METRICS)('CloudWatch metric of our own', 0.3, 'month'),
  alarm: from(MEMORY)('CloudWatch alarm', 0.1, 'month'),
  trace: from(MEMORY)('X-Ray, trace recorded', 5 * million, 'trace'),
  key: from(MEMORY)('KMS, key of our own', 1, 'month'),
  secret: from(SECRETS)('Secrets Manager, secret', 0.4, 'month'),
} as const satisfies Record<string, Figure>;
