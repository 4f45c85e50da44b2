/** What each stage is made of, in full, and that stages differ only as lib/stages.ts says. */

import { expect, test } from 'vitest';

import { type Stage, stages } from '../lib/index.js';
import { readable } from './readable.js';
import { built, STAGES, synthesised, templatesOf } from './synth.js';

test.each(STAGES)('%s is made of what is expected', async (name) => {
  await expect(readable(templatesOf(name))).toMatchFileSnapshot(`expected/${name}.txt`);
});

/** A stage that is built from the data of one and has the name of another. */
function renamed(data: Stage, name: string): string {
  return readable(synthesised(built({ ...data, name }), name));
}

const others = STAGES.filter((name) => name !== 'prod');

test.each(others)('what has the name of prod and the data of %s differs from it in the name alone', (name) => {
  const pretending = renamed(stages[name], 'prod');
  expect(lines(pretending.replaceAll('prod', name))).toEqual(lines(readable(templatesOf(name))));
});

test.each(others)('without their data %s and prod would differ', (name) => {
  const [prod, here] = [readable(templatesOf('prod')).replaceAll('prod', name), readable(templatesOf(name))];
  expect(lines(prod)).not.toEqual(lines(here));
});

/** Lines without the ends of ids, which CDK makes of the names of stacks. */
function lines(text: string): string[] {
  return text.split('\n').map((line) => line.replace(/(?<=\w)[0-9A-F]{8}\b/g, ''));
}
