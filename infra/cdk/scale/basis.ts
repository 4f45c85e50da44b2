/** What the page is made of. */

import type { Stage } from '../lib/stage.js';
import { stages } from '../lib/stages.js';
import { type Topology, readTopology } from '../lib/topology.js';

import { type Chain, type Wish, chainOf } from './chain.js';
import { type Keeps, functionOf, keeping } from './cost.js';
import { cpuSecs, fileOf } from './measured.js';
import { type Provider, readProviders } from './registry.js';

/** What the page is made of. */
export interface Basis {
  readonly topology: Topology;
  /** How media is kept, and what may be spent. */
  readonly stage: Stage;
  readonly providers: readonly Provider[];
  readonly ltx: Provider;
  readonly camera: Chain;
  readonly paid: Chain;
  readonly cpu: Wish['cpu'];
}

/** Reads topology, registry and measurements. */
export function readBasis(): Basis {
  const results = fileOf('bench/RESULTS.md');
  const cpu = {
    ingest: cpuSecs(results, 'ingest'),
    ltx: cpuSecs(results, 'ltx (camera move)'),
    render: cpuSecs(results, 'render'),
  };
  const providers = readProviders(fileOf('crates/providers/registry.toml'));
  const ltx = providers.find((provider) => provider.name === 'ltx');
  if (ltx === undefined) throw new Error('registry: there is no provider "ltx"');
  const [camera, paid] = [chainOf({ endpoints: 1, cpu }), chainOf({ endpoints: 1, cpu, provider: ltx })];
  return { topology: readTopology(), stage: stages.prod, providers, ltx, camera, paid, cpu };
}

/** Months that are reckoned with. */
export const MONTHS = 12;

/** Dollars to keep a video for that time. */
export const yearOf = (keeps: Keeps) => keeping(MONTHS, keeps).reduce((sum, one) => sum + one.dollars, 0);

/** Lambda counts memory in these. */
export const MB_OF_GB = 1024;

/** The topology with other memory of one function. */
export function withMemory(topology: Topology, name: string, memoryMb: number | undefined): Topology {
  if (memoryMb === undefined) return topology;
  return { ...topology, functions: { ...topology.functions, [name]: { ...functionOf(topology, name), memoryMb } } };
}
