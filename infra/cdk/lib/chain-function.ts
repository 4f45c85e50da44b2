/** A function of the chain: program, role, logs, and alarms on its faults. */

import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  ApplicationLogLevel,
  Architecture,
  Code,
  Function as LambdaFunction,
  type ILayerVersion,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

import type { Alarms } from './alarms.js';
import { checkEnvironment, environment, readSettings } from './environment.js';
import { grants, policy } from './grants.js';
import type { Names } from './names.js';
import type { Packages } from './packages.js';
import type { Stage } from './stage.js';
import type { ChainFunction as Described, Layer, Topology } from './topology.js';

/** What all functions of a stage share. */
export interface Surroundings {
  readonly names: Names;
  readonly topology: Topology;
  readonly stage: Stage;
  readonly packages: Packages;
  readonly layers: Readonly<Record<Layer, ILayerVersion>>;
  readonly alarms: Alarms;
}

/** CDK's word for an architecture. */
export function architecture(stage: Stage): Architecture {
  return stage.architecture === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64;
}

/** One function, as the topology describes it; what makes it run is put around it. */
export class ChainFunction extends Construct {
  readonly function: LambdaFunction;
  readonly described: Described;

  constructor(
    scope: Construct,
    readonly functionName: string,
    { names, topology, stage, packages, layers, alarms }: Surroundings,
  ) {
    super(scope, functionName);
    const it = topology.functions[functionName]!;
    this.described = it;
    const variables = environment(names, topology, stage, functionName);
    const reads = readSettings()?.[functionName];
    if (reads !== undefined) checkEnvironment(stage, functionName, variables, reads);
    const role = new Role(this, 'Role', {
      description: `What ${names.of(functionName)} may do`,
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      inlinePolicies: { ports: policy(...grants(names, topology, functionName)) },
    });
    this.function = new LambdaFunction(this, 'Function', {
      functionName: names.of(functionName),
      runtime: Runtime.PROVIDED_AL2023,
      architecture: architecture(stage),
      handler: 'bootstrap',
      code: Code.fromAsset(packages.function(functionName, stage.architecture)),
      layers: (it.layers ?? []).map((layer) => layers[layer]),
      memorySize: it.memoryMb,
      timeout: Duration.seconds(it.timeoutSecs),
      ...(it.temporaryMb === undefined ? {} : { ephemeralStorageSize: Size.mebibytes(it.temporaryMb) }),
      environment: variables,
      // All that it may do is above: nothing is added to it behind our back.
      role: role.withoutPolicyUpdates(),
      tracing: Tracing.ACTIVE,
      logGroup: new LogGroup(this, 'Logs', {
        logGroupName: names.logGroup(functionName),
        retention: stage.logDays,
        // Its name is fixed: kept, it would be in the way of the next deployment.
        removalPolicy: RemovalPolicy.DESTROY,
      }),
      loggingFormat: LoggingFormat.JSON,
      applicationLogLevelV2: ApplicationLogLevel.INFO,
      systemLogLevelV2: SystemLogLevel.INFO, // its reports: duration, memory, init
    });
    alarms.onFunction(functionName, this.function);
  }
}
