/** The bucket that everything is in, and the one that says who used it. */

import { CfnBucket, CfnBucketPolicy } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';

import type { Names } from './names.js';
import type { Stage } from './stage.js';
import { removal } from './tables.js';
import type { Topology } from './topology.js';

/** Where it is said who used the media bucket; short, since a bucket's name has 63 characters at most. */
const ACCESS_LOGS = 'access';

/** How long a browser may remember what the bucket allows it, in seconds. */
const CORS_MAX_AGE_SECS = 3600;

const PRIVATE = {
  blockPublicAcls: true,
  blockPublicPolicy: true,
  ignorePublicAcls: true,
  restrictPublicBuckets: true,
};
const ENCRYPTED = {
  serverSideEncryptionConfiguration: [{ serverSideEncryptionByDefault: { sseAlgorithm: 'AES256' } }],
};
const OWNED = { rules: [{ objectOwnership: 'BucketOwnerEnforced' }] };

/**
 * The media bucket.
 *
 * It has no versions: what a user deletes is to be gone, and keys are never written again with
 * something else.
 */
export class MediaBucket extends Construct {
  readonly bucket: CfnBucket;

  constructor(scope: Construct, names: Names, topology: Topology, stage: Stage) {
    super(scope, 'Media');
    const name = topology.bucket.name;
    const logs = this.accessLogs(names, name, stage);
    this.bucket = new CfnBucket(this, 'Bucket', {
      bucketName: names.bucket(name),
      publicAccessBlockConfiguration: PRIVATE,
      bucketEncryption: ENCRYPTED,
      ownershipControls: OWNED,
      loggingConfiguration: { destinationBucketName: names.bucket(ACCESS_LOGS), logFilePrefix: `${name}/` },
      lifecycleConfiguration: { rules: lifecycle(stage) },
      corsConfiguration: { corsRules: [cors(stage)] },
      notificationConfiguration: {
        queueConfigurations: topology.bucket.notifications.map(({ prefix, queue }) => ({
          event: 's3:ObjectCreated:*',
          filter: { s3Key: { rules: [{ name: 'prefix', value: prefix }] } },
          queue: names.queueArn(queue),
        })),
      },
    });
    this.bucket.applyRemovalPolicy(removal(stage));
    this.bucket.addResourceDependency(logs);
    new CfnBucketPolicy(this, 'Policy', {
      bucket: this.bucket.ref,
      policyDocument: { Version: '2012-10-17', Statement: [tlsOnly(this.bucket)] },
    });
  }

  private accessLogs(names: Names, source: string, stage: Stage): CfnBucketPolicy {
    const logs = new CfnBucket(this, 'AccessLogs', {
      bucketName: names.bucket(ACCESS_LOGS),
      publicAccessBlockConfiguration: PRIVATE,
      bucketEncryption: ENCRYPTED,
      ownershipControls: OWNED,
      lifecycleConfiguration: {
        rules: [{ id: 'expire', status: 'Enabled', expirationInDays: stage.accessLogDays }],
      },
    });
    logs.applyRemovalPolicy(removal(stage));
    const admit = {
      Sid: 'AdmitLogs',
      Effect: 'Allow',
      Principal: { Service: 'logging.s3.amazonaws.com' },
      Action: 's3:PutObject',
      // Keys begin with the source; S3 makes up the rest.
      Resource: `${names.bucketArn(ACCESS_LOGS)}/${source}/*`,
      Condition: {
        ArnEquals: { 'aws:SourceArn': names.bucketArn(source) },
        StringEquals: { 'aws:SourceAccount': names.account },
      },
    };
    return new CfnBucketPolicy(this, 'AccessLogsPolicy', {
      bucket: logs.ref,
      policyDocument: { Version: '2012-10-17', Statement: [tlsOnly(logs), admit] },
    });
  }
}

function tlsOnly({ attrArn }: CfnBucket): object {
  return {
    Sid: 'TlsOnly',
    Effect: 'Deny',
    Principal: '*',
    // Everything, but only for those who come without TLS.
    Action: 's3:*',
    Resource: [attrArn, `${attrArn}/*`],
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  };
}

function lifecycle(stage: Stage): CfnBucket.RuleProperty[] {
  const id = (what: string, prefix: string) => `${what}-${prefix.replaceAll('/', '')}`;
  return [
    { id: 'abort-uploads', status: 'Enabled', abortIncompleteMultipartUpload: { daysAfterInitiation: 1 } },
    ...Object.entries(stage.expireAfterDays).map(([prefix, days]) => ({
      id: id('expire', prefix),
      status: 'Enabled',
      prefix,
      expirationInDays: days,
    })),
    ...Object.entries(stage.glacierAfterDays).map(([prefix, days]) => ({
      id: id('glacier', prefix),
      status: 'Enabled',
      prefix,
      // Instant Retrieval: the API hands these out, and nobody waits hours for a photo.
      transitions: [{ storageClass: 'GLACIER_IR', transitionInDays: days }],
    })),
  ];
}

/** What pages of the stage may do with the presigned URLs that they are given. */
function cors(stage: Stage): CfnBucket.CorsRuleProperty {
  return {
    allowedOrigins: [...stage.origins],
    allowedMethods: ['GET', 'HEAD', 'PUT', 'POST'],
    allowedHeaders: ['*'], // the signature says which headers there are
    exposedHeaders: ['ETag', 'x-amz-checksum-sha256'],
    maxAge: CORS_MAX_AGE_SECS,
  };
}
