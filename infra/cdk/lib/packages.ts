/** The built functions and layers: zips that `./stillmotion package` writes. */

import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A zip with nothing in it: its end is all it has, with a comment that says what it stands for. */
function nothing(comment: string): Buffer {
  const end = Buffer.concat([Buffer.from('PK\x05\x06'), Buffer.alloc(18), Buffer.from(comment)]);
  end.writeUInt16LE(Buffer.byteLength(comment), 20);
  return end;
}

/** Where zips come from. */
export interface Packages {
  /** Whether they are only there for a template to be looked at; such a template cannot be deployed. */
  readonly arePlaceholders: boolean;
  /** The zip of a function. @throws if it has not been built. */
  function(name: string, architecture: string): string;
  /** The zip of a layer. @throws if it has not been built. */
  layer(name: string, architecture: string): string;
}

/** Zips in `folder/{architecture}`. */
export function builtPackages(folder: string): Packages {
  const zip = (what: string, file: string, architecture: string) => {
    const path = resolve(folder, architecture, `${file}.zip`);
    if (!existsSync(path))
      throw new Error(
        `${what} is not built for ${architecture}: there is no ${path}; run ./stillmotion package`,
      );
    return path;
  };
  return {
    arePlaceholders: false,
    function: (name, architecture) => zip(`function "${name}"`, name, architecture),
    layer: (name, architecture) => zip(`layer "${name}"`, `layer-${name}`, architecture),
  };
}

/**
 * Empty zips, to synthesise without building: another for each function and architecture, so that a template tells
 * which it was made with. CloudFormation refuses what is made with them.
 */
export function placeholderPackages(): Packages {
  const folder = mkdtempSync(join(tmpdir(), 'stillmotion-placeholder-'));
  const zip = (name: string, architecture: string) => {
    const path = join(folder, `placeholder-${name}-${architecture}.zip`);
    writeFileSync(path, nothing(`${name} ${architecture}`));
    return path;
  };
  return { arePlaceholders: true, function: zip, layer: (name, architecture) => zip(`layer-${name}`, architecture) };
}

/**
 * What `-c packages=` or `STILLMOTION_PACKAGES` says: a folder, or `placeholder`; absent: where cargo
 * builds in this repository.
 */
export function packagesAt(wish: string | undefined): Packages {
  if (wish === 'placeholder') return placeholderPackages();
  const repository = fileURLToPath(new URL('../../..', import.meta.url));
  return builtPackages(wish ?? resolve(repository, process.env['CARGO_TARGET_DIR'] ?? 'target', 'lambda'));
}
