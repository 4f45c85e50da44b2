/** Tables of the topology. */

import { RemovalPolicy } from 'aws-cdk-lib';
import { CfnTable } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';

import type { Names } from './names.js';
import type { Stage } from './stage.js';
import type { Key, Topology } from './topology.js';

/**
 * What becomes of data when its stack is deleted, or no longer has it.
 *
 * What a first deployment made and rolls back is deleted in every stage: it is empty, and its fixed
 * name would be in the way of the next try.
 */
export function removal(stage: Stage): RemovalPolicy {
  return stage.keepsData ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
}

/** The tables of a stage: paid by request, restorable to any second of the last 35 days. */
export class Tables extends Construct {
  constructor(scope: Construct, names: Names, topology: Topology, stage: Stage) {
    super(scope, 'Tables');
    for (const [name, it] of Object.entries(topology.tables)) {
      const indexes = it.indexes.map((index) => ({
        indexName: index.name,
        keySchema: keySchema(index),
        projection: { projectionType: 'ALL' },
      }));
      const table = new CfnTable(this, name, {
        tableName: names.of(name),
        billingMode: 'PAY_PER_REQUEST',
        attributeDefinitions: Object.entries(it.attributes).map(([attributeName, attributeType]) => ({
          attributeName,
          attributeType,
        })),
        keySchema: keySchema(it.key),
        ...(indexes.length === 0 ? {} : { globalSecondaryIndexes: indexes }),
        ...(it.expires === undefined
          ? {}
          : { timeToLiveSpecification: { attributeName: it.expires, enabled: true } }),
        pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
        deletionProtectionEnabled: stage.isProtected,
        sseSpecification: { sseEnabled: true },
      });
      table.applyRemovalPolicy(removal(stage));
    }
  }
}

function keySchema({ partition, sort }: Key): CfnTable.KeySchemaProperty[] {
  return [
    { attributeName: partition, keyType: 'HASH' },
    ...(sort === undefined ? [] : [{ attributeName: sort, keyType: 'RANGE' }]),
  ];
}
