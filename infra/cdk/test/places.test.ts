/** Where a stage goes is known when it is deployed, and does not change what is said of it. */

import { describe, expect, it } from 'vitest';

import { readTopology, stages } from '../lib/index.js';
import { built, synthesised } from './synth.js';

function synthesise(region: string, topology = readTopology()): void {
  const env = { account: '111122223333', region };
  synthesised(built(stages.prod, undefined, { env, topology }), 'prod');
}

describe('a stage for a known account', () => {
  it.each(['us-east-1', 'eu-central-1', 'cn-north-1'])('in %s is what its topology says', (region) => {
    expect(() => synthesise(region)).not.toThrow();
  });

  it('is still refused for what is wrong with it', () => {
    const { functions, ...rest } = readTopology();
    const { render } = functions as { render: (typeof functions)[string] };
    const circular = { ...functions, render: { ...render, writes: [...render.writes, 'ltx-videos/'] } };

    expect(() => synthesise('eu-central-1', { ...rest, functions: circular })).toThrow(
      'a circle: function render → prefix ltx-videos/ → queue render → function render',
    );
  });
});
