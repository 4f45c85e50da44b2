/** Where a template says itself in which part of AWS it is: it could then be deployed only there. */

import type { Templates } from './templates.js';

/** The name of a service to those who let it in; it is the same everywhere. */
const SERVICE = /^([a-z0-9-]+\.)+amazonaws\.com$/;

/** An ARN or an address of one partition. */
const WRITTEN = /arn:aws[a-z-]*:|amazonaws\.com/;

/** Every text with a partition in it that is not left to AWS::Partition and AWS::URLSuffix, in words. */
export function partitionProblems(templates: Templates): string[] {
  return templates.each.flatMap(({ Resources = {}, Outputs = {} }) => [
    ...Object.entries(Resources).flatMap(([id, resource]) => {
      const { Metadata: _, ...said } = resource;
      return written(said).map((text) => `${resource.Type} ${id} has its partition written in: ${text}`);
    }),
    ...Object.entries(Outputs).flatMap(([id, output]) => written(output).map((text) => `output ${id} has its partition written in: ${text}`)),
  ]);
}

function written(value: unknown, key = ''): string[] {
  if (typeof value === 'string') {
    const isService = ['Service', 'Principal'].includes(key) && SERVICE.test(value);
    return WRITTEN.test(value) && !isService ? [value] : [];
  }
  if (value === null || typeof value !== 'object') return [];
  if (Array.isArray(value)) return value.flatMap((one) => written(one, key));
  return Object.entries(value).flatMap(([name, member]) => written(member, name));
}
