// `copy` puts what the package shares with the rest of the repository into data/ while it is packed;
// `clean` takes it away, with what was compiled: in the repository it is written once.
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';

const shared = {
  '../topology.json': 'topology.json',
  '../../schemas/environment.json': 'environment.json',
  '../../schemas/metrics.json': 'metrics.json',
};
const at = (path) => new URL(path, import.meta.url);

if (process.argv[2] === 'clean')
  for (const made of ['data', 'dist']) rmSync(at(made), { recursive: true, force: true });
if (process.argv[2] === 'copy') {
  mkdirSync(at('data'), { recursive: true });
  for (const [from, to] of Object.entries(shared))
    if (existsSync(at(from))) cpSync(at(from), at(`data/${to}`));
}
