/** Findings of cdk-nag that are as they should be, each with its reason. What is not here fails a test. */

/** Some findings that are meant. */
export interface Acknowledged {
  /** The rule; behind it, in brackets, cdk-nag puts what it found where it looks at more than one thing. */
  readonly rule: RegExp;
  /** Where: paths of constructs below their stack. */
  readonly at: RegExp;
  readonly reason: string;
}

export const ACKNOWLEDGED: readonly Acknowledged[] = [
  {
    rule: /^AwsSolutions-S1$/,
    at: /^Media\/AccessLogs$/,
    reason: 'It is where access to the media bucket is logged; its own log would log itself.',
  },
  {
    rule: /^AwsSolutions-SQS3$/,
    at: /^Queues\/(sweep|n8n)-dead$/,
    reason: 'It is a dead-letter queue: of a schedule or of a rule, which cdk-nag does not count.',
  },
  {
    rule: /^Serverless-SQSRedrivePolicy$/,
    at: /^Queues\/[a-z0-9-]+-dead$/,
    reason: 'It is a dead-letter queue; people redrive it.',
  },
  {
    rule: /^AwsSolutions-SMG4$/,
    at: /^Secret-[a-z0-9]+$/,
    reason: 'Somebody else issues what it holds, so no function here can rotate it; docs/OPERATIONS.md says how people do.',
  },
  {
    rule: /^AwsSolutions-APIG4$/,
    at: /^Http\/Api\/ANY--\{path\+\}\/Resource$/,
    reason: 'api itself judges bearer tokens and presigned answers, call by call; some of its paths are open to everybody.',
  },
  {
    rule: /^AwsSolutions-APIG4$/,
    at: /^Http\/Api\/POST--webhooks--\{provider\}--\{job\}--\{attempt\}\/Resource$/,
    reason: 'provider-webhook verifies the signature of each provider over the body, which no authorizer is given.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::arn:<AWS::Partition>:s3:::[^*]+\/[a-z-]+\/\*\]$/,
    at: /^[a-z-]+\/Role\/Resource$/,
    reason: 'The keys below one prefix; the prefix is what the topology gives to the function.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:\/aws\/lambda\/[a-z0-9-]+:\*\]$/,
    at: /^[a-z-]+\/Role\/Resource$/,
    reason: "The streams of the function's own log group: Lambda names them.",
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::\*\]$/,
    at: /^[a-z-]+\/Role\/Resource$/,
    reason: 'Traces belong to no resource that could be named; PERMISSIONS.md shows that nothing else has this star.',
  },
  {
    rule: /^Serverless-LambdaStarPermissions$/,
    at: /^[a-z-]+\/Role\/Resource$/,
    reason: 'The stars of AwsSolutions-IAM5, each explained above.',
  },
  {
    rule: /^Serverless-LambdaDLQ$/,
    at: /^[a-z-]+\/Function\/Resource$/,
    reason: 'A queue feeds it, which has a dead-letter queue, or a caller waits for its answer; sweep has a failure destination instead.',
  },
  {
    rule: /^Serverless-LambdaEventSourceMappingDestination$/,
    at: /^[a-z-]+\/Source\/Resource$/,
    reason: 'Lambda has no such destination for queues: the dead-letter queue of the queue is it.',
  },
  {
    rule: /^Serverless-SNSRedrivePolicy$/,
    at: /^Alarms\/Topic\/[^/]+\/Resource$/,
    reason: 'An e-mail that SNS cannot deliver is no message that could be sent again later: the alarm itself stays on.',
  },
];
