/** What AWS allows: defaults of us-east-1 unless a region is named. */

import { type Figure, type Source, figuresOf } from './figure.js';

const REGION = 'us-east-1';
const LOOKED_UP = '2026-11-21';

const aws = (source: string, asOf?: string): Source => ({ source, grade: 'aws', ...(asOf === undefined ? {} : { asOf }) });
const LAMBDA = aws('docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html');
const MEMORY_MODEL = aws('docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html');
const CONCURRENCY = aws('github.com/aws/agent-toolkit-for-aws, aws-serverless/references/concurrency.md');
const MAPPINGS = aws('docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html');
const PARTITIONS = aws('docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput-scenarios.html');
const SQS = aws('docs.aws.amazon.com/sdkfornet, ChangeMessageVisibility');
const EVENTBRIDGE = aws('docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html');
const S3 = aws('repost.aws/knowledge-center/http-5xx-errors-s3');
const GATEWAY = aws('docs.aws.amazon.com/apigateway/latest/developerguide/limits.html');
const SECRETS = aws('aws.amazon.com/about-aws/whats-new, Secrets Manager API requests per second', '2025-03-04');
const MEMORY: Source = { source: 'memory', grade: 'memory' };

const from = (page: Source, region = REGION) => figuresOf(page, region, LOOKED_UP);

/** Quotas by service. */
export const QUOTAS = {
  concurrency: from(LAMBDA)('Lambda, concurrent executions (L-B99A9384)', 1_000, 'at once'),
  newConcurrency: from(MEMORY)('Lambda, the same in many new accounts', 10, 'at once'),
  invocationsPerConcurrency: from(CONCURRENCY)('Lambda, invocations a second for each of them', 10, 'per second'),
  mappingLeast: from(CONCURRENCY)('Lambda, least maximum concurrency of a mapping', 2, 'at once'),
  mappingMost: from(CONCURRENCY)('Lambda, most maximum concurrency of a mapping', 1_000, 'at once'),
  idlePollers: from(MAPPINGS)('Lambda, pollers of a quiet queue whose mapping has a maximum', 5, 'at once'),
  vcpuMb: from(MEMORY_MODEL)('Lambda, memory that comes with one vCPU', 1_769, 'MB'),
  partitionWrites: from(PARTITIONS)('DynamoDB, writes to one partition', 1_000, 'units a second'),
  partitionReads: from(PARTITIONS)('DynamoDB, reads from one partition', 3_000, 'units a second'),
  newTableWrites: from(PARTITIONS)('DynamoDB, writes to a new on-demand table at once', 4_000, 'units a second'),
  itemBytes: from(MEMORY)('DynamoDB, size of a row', 400 * 1024, 'bytes'),
  inFlight: from(SQS)('SQS, messages in flight in a queue', 120_000, 'messages'),
  putEvents: from(EVENTBRIDGE)('EventBridge, PutEvents', 10_000, 'per second'),
  eventInvocations: from(EVENTBRIDGE)('EventBridge, invocations of targets', 18_750, 'per second'),
  eventInvocationsFrankfurt: from(EVENTBRIDGE, 'eu-central-1')('EventBridge, invocations of targets', 4_500, 'per second'),
  s3Puts: from(S3)('S3, PUT and the like under a prefix', 3_500, 'per second'),
  s3Gets: from(S3)('S3, GET and HEAD under a prefix', 5_500, 'per second'),
  httpRequests: from(GATEWAY)('API Gateway, requests of an account (L-8A5B8E43)', 10_000, 'per second'),
  secretReads: from(SECRETS)('Secrets Manager, GetSecretValue', 10_000, 'per second'),
} as const satisfies Record<string, Figure>;
