/** The HTTP API: what the world outside asks. */

import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { CfnStage, HttpApi, HttpMethod } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

import type { Names } from './names.js';
import type { Stage } from './stage.js';

/** What is written of a request: who asked what and what came of it, never a query or a header. */
const ACCESS_LOG = JSON.stringify({
  requestId: '$context.requestId',
  time: '$context.requestTime',
  sourceIp: '$context.identity.sourceIp',
  method: '$context.httpMethod',
  route: '$context.routeKey',
  path: '$context.path',
  status: '$context.status',
  latencyMs: '$context.responseLatency',
  error: '$context.integrationErrorMessage',
});

/** The API of a stage; functions are put behind it with {@link HttpEntrance.serve}. */
export class HttpEntrance extends Construct {
  private readonly api: HttpApi;

  constructor(scope: Construct, names: Names, stage: Stage) {
    super(scope, 'Http');
    this.api = new HttpApi(this, 'Api', {
      apiName: names.bus,
      description: `stillmotion ${stage.name}`,
      createDefaultStage: false,
    });
    const log = new LogGroup(this, 'AccessLog', {
      // Below this prefix logs are delivered without a policy of the account's growing.
      logGroupName: `/aws/vendedlogs/apis/${names.bus}`,
      retention: stage.logDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // $default: the paths that the API serves begin at its root.
    new CfnStage(this, 'Stage', {
      apiId: this.api.apiId,
      stageName: '$default',
      autoDeploy: true,
      accessLogSettings: { destinationArn: log.logGroupArn, format: ACCESS_LOG },
      defaultRouteSettings: {
        throttlingRateLimit: stage.throttle.perSecond,
        throttlingBurstLimit: stage.throttle.burst,
        detailedMetricsEnabled: true,
      },
    });
  }

  get apiId(): string {
    return this.api.apiId;
  }

  /** Where it is, without a slash at the end. */
  get url(): string {
    const { region, urlSuffix } = Stack.of(this);
    return `https://${this.api.apiId}.execute-api.${region}.${urlSuffix}`;
  }

  /** Has a function answer: `http` is a method and a path, as the topology has it. */
  serve(name: string, http: string, by: IFunction): void {
    const [method, path] = http.split(' ');
    if (path === undefined || !Object.hasOwn(HttpMethod, method!))
      throw new Error(`topology: "${http}" is no method and path`);
    this.api.addRoutes({
      path,
      methods: [HttpMethod[method as keyof typeof HttpMethod]],
      integration: new HttpLambdaIntegration(name, by),
    });
  }
}
