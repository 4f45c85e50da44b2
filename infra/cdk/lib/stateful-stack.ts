/** What must survive: objects, rows, messages, facts and secrets. */

import { CfnOutput, Stack, Tags } from 'aws-cdk-lib';
import { CfnArchive, CfnEventBus } from 'aws-cdk-lib/aws-events';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Environment } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

import { MediaBucket } from './media-bucket.js';
import { Names } from './names.js';
import { N8N_SECRET } from './n8n.js';
import { Queues } from './queues.js';
import type { Stage } from './stage.js';
import { Tables, removal } from './tables.js';
import type { Topology } from './topology.js';

/** What a stack of a stage is made from. */
export interface StillmotionStackProps {
  readonly topology: Topology;
  readonly stage: Stage;
  /** Account and region; none: those of whoever deploys. */
  readonly env?: Environment;
}

/**
 * The stack that is never rebuilt.
 *
 * Queues are in it for two reasons: messages under way must survive when functions are made anew,
 * and S3 tries out a notification when it is set, so its queue has to be there and admit it before
 * the bucket is.
 */
export class StatefulStack extends Stack {
  constructor(scope: Construct, id: string, { topology, stage, env }: StillmotionStackProps) {
    super(scope, id, {
      ...(env === undefined ? {} : { env }),
      description: `stillmotion ${stage.name}: what must survive`,
      terminationProtection: stage.isProtected,
    });
    Tags.of(this).add('stillmotion:stage', stage.name);
    const names = new Names(this, stage.name);

    const queues = new Queues(this, names, topology, stage);
    const media = new MediaBucket(this, names, topology, stage);
    for (const { queue } of topology.bucket.notifications)
      media.bucket.addResourceDependency(queues.policies.get(queue)!);
    new Tables(this, names, topology, stage);
    this.bus(names, stage);
    this.secrets(names, topology, stage);

    new CfnOutput(this, 'MediaBucketName', { value: media.bucket.ref });
    new CfnOutput(this, 'EventBusName', { value: names.bus });
  }

  private bus(names: Names, stage: Stage): void {
    const bus = new CfnEventBus(this, 'Bus', { name: names.bus });
    bus.applyRemovalPolicy(removal(stage));
    const archive = new CfnArchive(this, 'Archive', {
      archiveName: names.bus,
      sourceArn: bus.attrArn,
      retentionDays: stage.archiveDays,
    });
    archive.applyRemovalPolicy(removal(stage));
  }

  /** Secrets by name, without a value: nothing of it is in a template, and people put it in. */
  private secrets(names: Names, topology: Topology, stage: Stage): void {
    const all = { ...topology.secrets, ...(stage.n8n === undefined ? {} : { n8n: [N8N_SECRET] }) };
    for (const [name, settings] of Object.entries(all)) {
      const secret = new CfnSecret(this, `Secret-${name}`, {
        name: names.secret(name),
        description: `A JSON object with ${settings.join(', ')}; what is left out is not set`,
      });
      secret.applyRemovalPolicy(removal(stage));
    }
  }
}
