import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Stillmotion, placeholderPackages, readTopology, stages } from '../lib/index.js';
import { App } from 'aws-cdk-lib';

const here = fileURLToPath(new URL('..', import.meta.url));

/** The first block of code in the README that is TypeScript. */
function example(): string {
  const readme = readFileSync(join(here, 'README.md'), 'utf8');
  const block = /```ts\n(.*?)```/s.exec(readme)?.[1];
  if (block === undefined) throw new Error('the README shows no code');
  return block;
}

describe('the package', () => {
  let folder: string;
  let installed: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'stillmotion-pack-'));
    const tarball = execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], {
      cwd: here,
      encoding: 'utf8',
    })
      .trim()
      .split('\n')
      .at(-1)!;
    installed = join(folder, 'node_modules/@stillmotion/cdk');
    mkdirSync(installed, { recursive: true });
    execFileSync('tar', ['-xzf', join(folder, tarball), '-C', installed, '--strip-components=1']);
    // What whoever installs it has: nothing is downloaded for a test.
    for (const peer of ['aws-cdk-lib', 'constructs', '@types'])
      symlinkSync(join(here, 'node_modules', peer), join(folder, 'node_modules', peer));
  }, 120_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('has the compiled constructs, their types, the topology, and nothing else', () => {
    const files = readdirSync(installed, { recursive: true, withFileTypes: true });
    const kinds = new Set(
      files.filter((it) => it.isFile()).map((it) => it.name.replace(/^.*?(\.d\.ts|\.js|\.json|\.md)$/, '$1')),
    );

    expect([...kinds].sort()).toEqual(['.d.ts', '.js', '.json', '.md']);
    expect(JSON.parse(readFileSync(join(installed, 'data/topology.json'), 'utf8'))).toMatchObject(
      JSON.parse(JSON.stringify(readTopology())),
    );
    expect(readdirSync(here)).not.toContain('data');
  });

  it('makes, with the five lines of the README, the stacks that this repository makes', () => {
    // Each zip says whose it is: another in its place would be another template.
    const packages = placeholderPackages();
    const zips = join(folder, 'lambda/x86_64');
    mkdirSync(zips, { recursive: true });
    for (const name of Object.keys(readTopology().functions))
      copyFileSync(packages.function(name, 'x86_64'), join(zips, `${name}.zip`));
    for (const name of ['ffmpeg', 'fonts'])
      copyFileSync(packages.layer(name, 'x86_64'), join(zips, `layer-${name}.zip`));
    writeFileSync(join(folder, 'app.mts'), example());
    const out = join(folder, 'cdk.out');

    execFileSync(process.execPath, [join(here, 'node_modules/tsx/dist/cli.mjs'), 'app.mts'], {
      cwd: folder,
      env: {
        ...process.env,
        CDK_OUTDIR: out,
        CDK_CONTEXT_JSON: JSON.stringify({ 'aws:cdk:version-reporting': false }),
      },
      stdio: 'pipe',
    });

    const read = (stack: string) =>
      JSON.parse(readFileSync(join(out, `stillmotion-villas-${stack}.template.json`), 'utf8'));
    // With the flags of this repository, which the app of the example has not set.
    const { context } = JSON.parse(readFileSync(join(here, 'cdk.json'), 'utf8'));
    const app = new App({ analyticsReporting: false, context });
    const stage = { ...stages.dev, name: 'villas', origins: ['https://villas.example'] };
    const { stateful, stateless } = new Stillmotion(app, { stage, packages });
    const assembly = app.synth();
    const resources = (template: any) =>
      Object.fromEntries(
        Object.entries<any>(template.Resources).map(([id, { Metadata: _, ...resource }]) => [id, resource]),
      );
    for (const [stack, name] of [
      [stateful, 'stateful'],
      [stateless, 'stateless'],
    ] as const) {
      expect(resources(read(name))).toEqual(resources(assembly.getStackArtifact(stack.artifactId).template));
    }
  }, 120_000);

  it('has types that the README compiles with', () => {
    writeFileSync(join(folder, 'app.mts'), example());
    const options = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--skipLibCheck',
      '--types',
      'node',
      'app.mts',
    ];

    execFileSync(
      process.execPath,
      [join(here, 'node_modules/typescript/bin/tsc'), '--ignoreConfig', ...options],
      { cwd: folder, stdio: 'pipe' },
    );
  }, 120_000);
});
