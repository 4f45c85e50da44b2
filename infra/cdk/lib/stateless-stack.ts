/** What may be rebuilt: functions, what runs them, and what watches them. */

import { CfnOutput, CfnParameter, CfnRule, Fn, Stack, Tags } from 'aws-cdk-lib';
import { Code, LayerVersion, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';

import { Alarms } from './alarms.js';
import { budget } from './budget.js';
import { ChainFunction, type Surroundings, architecture } from './chain-function.js';
import { dashboard } from './dashboard.js';
import { HttpEntrance } from './http-api.js';
import { Link } from './link.js';
import { N8n } from './n8n.js';
import { Names } from './names.js';
import type { Packages } from './packages.js';
import { N8N_DEAD } from './queues.js';
import { Rules } from './rules.js';
import { Scheduled } from './schedule.js';
import type { StillmotionStackProps } from './stateful-stack.js';
import { type Layer, isFed, isScheduled } from './topology.js';

/** What the stack of the functions is made from. */
export interface StatelessStackProps extends StillmotionStackProps {
  readonly packages: Packages;
}

/** The stack that can be deleted and deployed again without losing anything. */
export class StatelessStack extends Stack {
  constructor(scope: Construct, id: string, { topology, stage, packages, env }: StatelessStackProps) {
    super(scope, id, {
      ...(env === undefined ? {} : { env }),
      description: `stillmotion ${stage.name}: what may be rebuilt`,
    });
    Tags.of(this).add('stillmotion:stage', stage.name);
    if (packages.arePlaceholders) refuseToDeploy(this);
    const names = new Names(this, stage.name);
    const alarms = new Alarms(this, names, stage);
    const entrance = new HttpEntrance(this, names, stage);
    const layers = {
      ffmpeg: this.layer('ffmpeg', packages, names, stage),
      fonts: this.layer('fonts', packages, names, stage),
    };
    const surroundings: Surroundings = { names, topology, stage, packages, layers, alarms };

    const functions = Object.keys(topology.functions).map((name) => make(this, name, surroundings, entrance));
    const ltx = functions.find((it) => it.functionName === 'ltx');
    // Where providers tell that work has ended: its path is the trigger of provider-webhook.
    ltx?.function.addEnvironment('PROVIDER_WEBHOOK_BASE_URL', entrance.url);

    new Rules(this, names, topology);
    if (stage.n8n !== undefined) {
      new N8n(this, names, stage.n8n);
      alarms.onDeadLetters(N8N_DEAD);
    }
    alarms.onApi(entrance.apiId);
    alarms.onMoney();
    budget(this, stage, alarms.topic);
    dashboard(this, names, functions, entrance.apiId);

    new CfnOutput(this, 'ApiUrl', { value: entrance.url });
    new CfnOutput(this, 'AlarmTopicArn', { value: alarms.topic.topicArn });
    new CfnOutput(this, 'DashboardName', { value: names.dashboard });
  }

  private layer(
    name: Layer,
    packages: Packages,
    names: Names,
    stage: StatelessStackProps['stage'],
  ): LayerVersion {
    return new LayerVersion(this, `Layer-${name}`, {
      layerVersionName: names.of(name),
      code: Code.fromAsset(packages.layer(name, stage.architecture)),
      compatibleRuntimes: [Runtime.PROVIDED_AL2023],
      compatibleArchitectures: [architecture(stage)],
    });
  }
}

/** A function, with what makes it run. */
function make(
  scope: Construct,
  name: string,
  surroundings: Surroundings,
  entrance: HttpEntrance,
): ChainFunction {
  const { trigger } = surroundings.topology.functions[name]!;
  if (isFed(trigger)) return new Link(scope, name, trigger, surroundings);
  if (isScheduled(trigger)) return new Scheduled(scope, name, trigger, surroundings);
  const it = new ChainFunction(scope, name, surroundings);
  entrance.serve(name, trigger.http, it.function);
  return it;
}

/** Has CloudFormation itself refuse the template, whoever brings it. */
function refuseToDeploy(stack: Stack): void {
  const packages = new CfnParameter(stack, 'Packages', {
    default: 'placeholder',
    description: 'What functions are made of: this template was synthesised without built packages',
  });
  new CfnRule(stack, 'PackagesAreBuilt', {
    assertions: [
      {
        assert: Fn.conditionEquals(packages.valueAsString, 'built'),
        assertDescription:
          'synthesised without built packages: run ./stillmotion package, then ./stillmotion deploy',
      },
    ],
  });
}
