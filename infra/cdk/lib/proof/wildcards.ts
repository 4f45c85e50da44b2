/** Every star in a role and why it is there. A star that is not here is a problem. */

import type { Grant } from './policy.js';

interface Wildcard {
  matches(grant: Grant): boolean;
  reason: string;
}

const WILDCARDS: readonly Wildcard[] = [
  {
    matches: ({ action, resource }) => action.startsWith('s3:') && /^arn:\{partition\}:s3:::[^*?/]+\/[^*?]+\/\*$/.test(resource),
    reason: 'the keys below one prefix: they are made of ids of jobs',
  },
  {
    matches: ({ action, resource }) =>
      /^dynamodb:(Query|Scan)$/.test(action) && /:table\/[^*?/]+\/index\/\*$/.test(resource),
    reason: 'the indexes of one table',
  },
  {
    matches: ({ action, resource }) =>
      /^logs:(CreateLogStream|PutLogEvents)$/.test(action) && /:log-group:[^*?]+:(log-stream:)?\*$/.test(resource),
    reason: "the streams of the function's own log group: Lambda names them",
  },
  {
    matches: ({ action, resource }) =>
      /^secretsmanager:(GetSecretValue|DescribeSecret)$/.test(action) && /:secret:[^*?]+-(\?{6}|\*)$/.test(resource),
    reason: 'Secrets Manager ends the ARN of a secret with six characters of its own',
  },
  {
    matches: ({ action, resource }) =>
      /^xray:(PutTraceSegments|PutTelemetryRecords)$/.test(action) && resource === '*',
    reason: 'traces belong to no resource that could be named',
  },
];

/** Whether a grant has a star. */
export function isWide({ action, resource }: Grant): boolean {
  return /[*?]/.test(action) || /[*?]/.test(resource);
}

/** Why a grant has a star, if that is known. */
export function reasonFor(grant: Grant): string | undefined {
  return WILDCARDS.find((one) => one.matches(grant))?.reason;
}
