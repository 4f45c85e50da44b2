// Packages from where ./stillmotion test installed them, which is not beside these files.
import { createRequire } from 'node:module';

const folder = process.env.STILLMOTION_NODE_MODULES;
if (!folder) throw new Error('STILLMOTION_NODE_MODULES is not set: run ./stillmotion test');

export const load = createRequire(`${folder}/`);
