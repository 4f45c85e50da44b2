import { describe, expect, it } from 'vitest';

import { environment } from '../lib/environment.js';
import {
  type Stage,
  Stillmotion,
  checkEnvironment,
  checkStage,
  examplesIn,
  placeholderPackages,
  stages,
} from '../lib/index.js';
import { App, Stack } from 'aws-cdk-lib';
import { Names } from '../lib/names.js';
import { readTopology } from '../lib/topology.js';

const FORTNIGHT_SECS = 14 * 86_400;

function check(change: Partial<Stage>): () => void {
  return () => checkStage({ ...stages.prod, ...change }, readTopology(), FORTNIGHT_SECS);
}

describe('a stage', () => {
  it.each(Object.values(stages))('$name makes sense', (stage) => {
    expect(() => checkStage(stage, readTopology(), FORTNIGHT_SECS)).not.toThrow();
  });

  it('has a name that fits into those of its resources', () => {
    expect(check({ name: 'Prod' })).toThrow('stage "Prod"');
    expect(check({ name: 'a-stage' })).toThrow('its name');
    expect(check({ name: 'abcdefghijklm' })).toThrow('its name');
  });

  it.each(['ap-southeast-1', 'us-isof-south-1'])('has buckets whose names are short enough in %s', (region) => {
    const app = new App({ analyticsReporting: false });
    const stage = { ...stages.dev, name: 'abcdefghijkl' };
    const packages = placeholderPackages();
    const { stateful } = new Stillmotion(app, { stage, packages, env: { account: '123456789012', region } });
    const { Resources } = app.synth().getStackArtifact(stateful.artifactId).template;
    const names = Object.values<any>(Resources)
      .filter((it) => it.Type === 'AWS::S3::Bucket')
      .map((it) => it.Properties.BucketName);

    expect(names.sort()).toEqual([
      `stillmotion-abcdefghijkl-access-123456789012-${region}`,
      `stillmotion-abcdefghijkl-media-123456789012-${region}`,
    ]);
    // Source: Amazon S3 User Guide, "General purpose bucket naming rules".
    for (const name of names) expect(name.length).toBeLessThanOrEqual(63);
  });

  it.each([
    [stages.prod, { DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' }],
    [stages.dev, { DeletionPolicy: 'Delete', UpdateReplacePolicy: 'Delete' }],
  ])('$name keeps all that has data, or none of it', (stage, policies) => {
    const app = new App({ analyticsReporting: false });
    const { stateful } = new Stillmotion(app, { stage, packages: placeholderPackages() });
    const { Resources } = app.synth().getStackArtifact(stateful.artifactId).template;
    const withData = Object.values<any>(Resources).filter((it) => !it.Type.endsWith('Policy'));

    expect(new Set(withData.map((it) => it.Type))).toEqual(
      new Set([
        'AWS::DynamoDB::Table',
        'AWS::Events::Archive',
        'AWS::Events::EventBus',
        'AWS::S3::Bucket',
        'AWS::SQS::Queue',
        'AWS::SecretsManager::Secret',
      ]),
    );
    for (const it of withData) expect(it).toMatchObject(policies);
  });

  it('keeps objects for longer than messages about them live', () => {
    expect(check({ expireAfterDays: { 'uploads/': 14 } })).toThrow(
      'objects under uploads/ expire while messages about them wait',
    );
  });

  it('keeps clips for longer than they are reused', () => {
    expect(check({ expireAfterDays: { 'ltx-videos/': 30 } })).toThrow('they would be paid for again');
    expect(check({ expireAfterDays: { 'ltx-videos/': 31 } })).not.toThrow();
    const settings = { ltx: { REUSE_CLIPS_FOR_SECS: String(60 * 86_400) } };
    expect(check({ expireAfterDays: { 'ltx-videos/': 31 }, settings })).toThrow(
      'they would be paid for again',
    );
  });

  it('says nothing about what is not there', () => {
    const alarms = { ...stages.prod.alarms, oldestMessageSecs: { rendr: 60 } };
    expect(check({ settings: { igest: {} } })).toThrow('says something about function igest');
    expect(check({ alarms })).toThrow('says something about queue rendr');
    expect(check({ expireAfterDays: { 'upload/': 30 } })).toThrow('says something about prefix upload/');
    expect(check({ glacierAfterDays: { photos: 30 } })).toThrow('says something about prefix photos');
  });

  it('names origins, not addresses, and posts to n8n over TLS', () => {
    expect(check({ origins: ['https://app.example.com/'] })).toThrow('is not an origin');
    expect(check({ n8n: { url: 'http://n8n.example/x', detailTypes: [], perSecond: 1 } })).toThrow(
      'not https',
    );
  });

  it('that is deployed has addresses of its own', () => {
    expect(examplesIn(stages.dev)).toEqual([]);
    expect(examplesIn(stages.prod)).toEqual([
      'https://stillmotion.example',
      'operations@stillmotion.example',
      'https://n8n.stillmotion.example/webhook/stillmotion-events',
      'https://prod.supabase.example',
    ]);
    expect(examplesIn({ ...stages.dev, origins: ['https://example.com', 'https://my.example.org'] })).toEqual(
      [],
    );
  });

  it('cannot set what follows from the topology', () => {
    const names = new Names(new Stack(new App(), 'stack'), 'dev');
    const stage = { ...stages.dev, settings: { ltx: { EVENT_BUS: 'mine' } } };

    expect(() => environment(names, readTopology(), stage, 'ltx')).toThrow(
      'EVENT_BUS of ltx follows from the topology',
    );
  });

  it('gives a function what it wants, and nothing that it does not read or that is secret', () => {
    const reads = { required: ['EVENT_BUS', 'KEY'], optional: ['CAP'], secret: ['KEY'] };
    const stage = { ...stages.dev, settings: { ltx: { CAP: '1' } } };

    expect(() => checkEnvironment(stage, 'ltx', { EVENT_BUS: 'b', CAP: '1' }, reads)).not.toThrow();
    expect(() => checkEnvironment(stage, 'ltx', { CAP: '1' }, reads)).toThrow(
      'function "ltx" wants EVENT_BUS',
    );
    expect(() => checkEnvironment(stage, 'ltx', { EVENT_BUS: 'b', KEY: 'k' }, reads)).toThrow(
      'the secret KEY as a plain variable',
    );
    expect(() => checkEnvironment(stage, 'ltx', { EVENT_BUS: 'b' }, { ...reads, optional: [] })).toThrow(
      'does not read CAP',
    );
  });

  it('needs built packages, and says which is missing and what to do', () => {
    const make = () => new Stillmotion(new App(), { stage: stages.dev, packages: '/nowhere' });

    expect(make).toThrow(
      'layer "ffmpeg" is not built for x86_64: there is no /nowhere/x86_64/layer-ffmpeg.zip; run ./stillmotion package',
    );
  });

  it('made from placeholders is refused by CloudFormation itself', () => {
    const app = new App();
    const { stateless } = new Stillmotion(app, { stage: stages.dev, packages: placeholderPackages() });
    const template = app.synth().getStackArtifact(stateless.artifactId).template;

    expect(template.Parameters.Packages.Default).toBe('placeholder');
    expect(template.Rules.PackagesAreBuilt.Assertions[0].Assert).toEqual({
      'Fn::Equals': [{ Ref: 'Packages' }, 'built'],
    });
  });
});
