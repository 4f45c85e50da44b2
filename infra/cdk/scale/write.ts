/** Writes the reckoned sections of `docs/SCALE.md`: `npx tsx scale/write.ts`, in `infra/cdk`. */

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { fileOf } from './measured.js';
import { readBasis } from './basis.js';
import { sections } from './page.js';
import { fill } from './text.js';

/** The page, from the root of the repository. */
export const PAGE = 'docs/SCALE.md';

/** The page as it should be. */
export function written(): string {
  return fill(fileOf(PAGE), sections(readBasis()));
}

/** Writes it. */
export function write(): void {
  writeFileSync(fileURLToPath(new URL(`../../../${PAGE}`, import.meta.url)), written());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) write();
