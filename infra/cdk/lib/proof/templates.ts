/** A synthesised stage: its templates, and what their references come down to. */

/** A resource of a template. */
export interface Resource {
  Type: string;
  Properties?: Record<string, any>;
  [key: string]: any;
}

/** A CloudFormation template, as synthesised. */
export interface Template {
  Resources?: Record<string, Resource>;
  Outputs?: Record<string, { Value: unknown; Export?: { Name: unknown } }>;
  Parameters?: Record<string, { Default?: unknown }>;
  [key: string]: any;
}

/** A resource and where it stands. */
export interface Found {
  id: string;
  properties: Record<string, any>;
  resource: Resource;
  template: Template;
}

/** What a name or an ARN of AWS stands for: `queue render`, `prefix photos/`, `function ltx`. */
export interface Thing {
  kind: string;
  name: string;
}

/** What is unknown before a deployment, in a resolved text. */
const PSEUDO: Record<string, string> = {
  'AWS::AccountId': '{account}',
  'AWS::NoValue': '',
  'AWS::Partition': '{partition}',
  'AWS::Region': '{region}',
  'AWS::StackName': '{stack}',
  'AWS::StackId': '{stack}',
  'AWS::URLSuffix': '{suffix}',
};

/** The property that names a resource, by type. */
const NAMED_BY: Record<string, string> = {
  'AWS::CloudWatch::Alarm': 'AlarmName',
  'AWS::DynamoDB::GlobalTable': 'TableName',
  'AWS::DynamoDB::Table': 'TableName',
  'AWS::Events::ApiDestination': 'Name',
  'AWS::Events::Archive': 'ArchiveName',
  'AWS::Events::Connection': 'Name',
  'AWS::Events::EventBus': 'Name',
  'AWS::Events::Rule': 'Name',
  'AWS::IAM::Role': 'RoleName',
  'AWS::Lambda::Function': 'FunctionName',
  'AWS::Logs::LogGroup': 'LogGroupName',
  'AWS::S3::Bucket': 'BucketName',
  'AWS::SNS::Topic': 'TopicName',
  'AWS::SQS::Queue': 'QueueName',
  'AWS::Scheduler::Schedule': 'Name',
  'AWS::SecretsManager::Secret': 'Name',
};

/** How the ARN of a resource is made of its name, by type. */
const ARN: Record<string, (name: string) => string> = {
  'AWS::DynamoDB::GlobalTable': (name) => `arn:{partition}:dynamodb:{region}:{account}:table/${name}`,
  'AWS::DynamoDB::Table': (name) => `arn:{partition}:dynamodb:{region}:{account}:table/${name}`,
  'AWS::Events::ApiDestination': (name) => `arn:{partition}:events:{region}:{account}:api-destination/${name}`,
  'AWS::Events::Connection': (name) => `arn:{partition}:events:{region}:{account}:connection/${name}`,
  'AWS::Events::EventBus': (name) => `arn:{partition}:events:{region}:{account}:event-bus/${name}`,
  'AWS::Events::Rule': (name) => `arn:{partition}:events:{region}:{account}:rule/${name}`,
  'AWS::IAM::Role': (name) => `arn:{partition}:iam::{account}:role/${name}`,
  'AWS::KMS::Key': (name) => `arn:{partition}:kms:{region}:{account}:key/${name}`,
  'AWS::Lambda::Function': (name) => `arn:{partition}:lambda:{region}:{account}:function:${name}`,
  'AWS::Logs::LogGroup': (name) => `arn:{partition}:logs:{region}:{account}:log-group:${name}:*`,
  'AWS::S3::Bucket': (name) => `arn:{partition}:s3:::${name}`,
  'AWS::SNS::Topic': (name) => `arn:{partition}:sns:{region}:{account}:${name}`,
  'AWS::SQS::Queue': (name) => `arn:{partition}:sqs:{region}:{account}:${name}`,
  'AWS::SecretsManager::Secret': (name) => `arn:{partition}:secretsmanager:{region}:{account}:secret:${name}-??????`,
};

/** What `Ref` gives, where it is not the name. */
const REF: Record<string, (name: string) => string> = {
  'AWS::SNS::Topic': ARN['AWS::SNS::Topic']!,
  'AWS::SQS::Queue': (name) => `https://sqs.{region}.{suffix}/{account}/${name}`,
  'AWS::SecretsManager::Secret': ARN['AWS::SecretsManager::Secret']!,
};

/** The templates of one stage, read together: what one exports, another imports. */
export class Templates {
  /** `stillmotion-dev-`: what names on AWS begin with. */
  readonly prefix: string;

  constructor(
    readonly name: string,
    readonly each: readonly Template[],
    readonly app = 'stillmotion',
  ) {
    this.prefix = `${app}-${name}-`;
  }

  /** Every resource of these types. */
  all(...types: string[]): Found[] {
    return this.each.flatMap((template) =>
      Object.entries(template.Resources ?? {})
        .filter(([, resource]) => types.includes(resource.Type))
        .map(([id, resource]) => ({ id, resource, template, properties: resource.Properties ?? {} })),
    );
  }

  /** The name on AWS of a resource; its logical id where CloudFormation chooses. */
  physical({ id, resource, template }: Omit<Found, 'properties'>): string {
    const property = NAMED_BY[resource.Type];
    const name = property && resource.Properties?.[property];
    return name === undefined ? id : this.text(name, template);
  }

  /** The ARN of a resource; where none is known, what `Fn::GetAtt` would be asked for. */
  arn({ id, resource, template }: Omit<Found, 'properties'>): string {
    const name = this.physical({ id, resource, template });
    // The rule of a bus that is not the default one has that bus in its ARN.
    const bus = resource.Type === 'AWS::Events::Rule' && this.text(resource.Properties?.EventBusName, template).split('/').at(-1);
    return ARN[resource.Type]?.(bus && bus !== 'default' ? `${bus}/${name}` : name) ?? `${id}.Arn`;
  }

  /** The name of a resource in topology.json. */
  named(found: Omit<Found, 'properties'>): string {
    return this.short(this.physical(found));
  }

  /** A name on AWS without what every name of the stage has. */
  short(physical: string): string {
    return physical
      .replace(new RegExp(`^${this.prefix}`), '')
      .replace(new RegExp(`^${this.app}/${this.name}/`), '')
      .replace(/-(\{account\}|\d{12})-(\{region\}|[a-z]{2}(-[a-z]+)+-\d)$/, '');
  }

  /** What a value comes down to: text with `{partition}`, `{region}` and `{account}` where AWS decides. */
  text(value: unknown, template: Template): string {
    if (typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    if (value === null || typeof value !== 'object') return '';
    const [[how, what] = ['', undefined]] = Object.entries(value as Record<string, any>);
    switch (how) {
      case 'Ref':
        return this.ref(what, template);
      case 'Fn::GetAtt':
        return this.attribute(Array.isArray(what) ? what : String(what).split(/\.(.*)/s), template);
      case 'Fn::Join':
        return (what[1] as unknown[]).map((part) => this.text(part, template)).join(what[0]);
      case 'Fn::Sub':
        return this.substituted(what, template);
      case 'Fn::ImportValue':
        return this.imported(this.text(what, template));
      case 'Fn::Select':
        return this.selected(what, template);
      default:
        return JSON.stringify(value);
    }
  }

  private ref(id: string, template: Template): string {
    if (id in PSEUDO) return PSEUDO[id]!;
    const resource = template.Resources?.[id];
    if (!resource) return this.text(template.Parameters?.[id]?.Default ?? id, template);
    const name = this.physical({ id, resource, template });
    return REF[resource.Type]?.(name) ?? name;
  }

  private attribute([id = '', attribute = '']: string[], template: Template): string {
    const resource = template.Resources?.[id];
    if (!resource) return `${id}.${attribute}`;
    const name = this.physical({ id, resource, template });
    if (attribute === 'Arn') return this.arn({ id, resource, template });
    if (attribute === 'QueueName' || attribute === 'Name') return name;
    if (attribute === 'QueueUrl') return REF['AWS::SQS::Queue']!(name);
    return `${id}.${attribute}`;
  }

  private substituted(what: string | [string, Record<string, unknown>], template: Template): string {
    const [pattern, given] = Array.isArray(what) ? what : [what, {}];
    return pattern.replace(/\$\{([^!}][^}]*)\}/g, (_, name: string) => {
      if (name in given) return this.text(given[name], template);
      return name.includes('.') && !name.includes('::')
        ? this.attribute(name.split(/\.(.*)/s), template)
        : this.ref(name, template);
    });
  }

  private selected([at, from]: [number | string, any], template: Template): string {
    if (Array.isArray(from)) return this.text(from[Number(at)], template);
    const split = from?.['Fn::Split'];
    if (!split) return JSON.stringify({ 'Fn::Select': [at, from] });
    return this.text(split[1], template).split(split[0])[Number(at)] ?? '';
  }

  private imported(name: string): string {
    for (const template of this.each) {
      for (const output of Object.values(template.Outputs ?? {})) {
        if (output.Export && this.text(output.Export.Name, template) === name) {
          return this.text(output.Value, template);
        }
      }
    }
    return name;
  }

  /** What an ARN, or the end of a URL, stands for. */
  thing(arn: string): Thing {
    const [, , service = '', , , ...rest] = arn.split(':');
    const resource = rest.join(':');
    if (arn.startsWith('https://sqs.')) return { kind: 'queue', name: this.short(arn.split('/').at(-1)!) };
    switch (service) {
      case 'sqs':
        return { kind: 'queue', name: this.short(resource) };
      case 'lambda':
        return { kind: 'function', name: this.short(resource.replace(/^function:/, '').split(':')[0]!) };
      case 's3':
        return this.bucketOrPrefix(resource);
      case 'dynamodb': {
        const [, table = '', ...index] = resource.split('/');
        return index.length > 0
          ? { kind: 'index', name: `${this.short(table)}/${index.slice(1).join('/')}` }
          : { kind: 'table', name: this.short(table) };
      }
      case 'secretsmanager':
        return { kind: 'secret', name: this.short(resource.replace(/^secret:/, '').replace(/-(\?{6}|\*)$/, '')) };
      case 'events':
        return this.ofBus(resource);
      case 'logs':
        return { kind: 'log group', name: this.logGroup(resource) };
      default:
        return { kind: service || 'thing', name: resource || arn };
    }
  }

  private bucketOrPrefix(resource: string): Thing {
    const [bucket = '', ...key] = resource.split('/');
    if (key.length === 0) return { kind: 'bucket', name: this.short(bucket) };
    return { kind: 'prefix', name: key.join('/').replace(/\*$/, '') };
  }

  private ofBus(resource: string): Thing {
    const [kind = '', ...name] = resource.split('/');
    const word = { 'event-bus': 'bus', 'api-destination': 'API destination' }[kind] ?? kind;
    return { kind: word, name: this.short(name[0] ?? '') };
  }

  private logGroup(resource: string): string {
    const path = resource.replace(/^log-group:/, '').replace(/:\*$|:log-stream:.*$/, '');
    return path.split('/').map((part) => this.short(part)).join('/');
  }
}

/** A thing in words. */
export function said({ kind, name }: Thing): string {
  if (kind === 'prefix' && name === '') return 'every key';
  return `${kind} ${name}`;
}

/** One or many, as a list. */
export function list<T>(value: T | T[] | undefined): T[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
