/** The chain from a photo to a branded video, for CDK apps. */

export { checkEnvironment, readSettings } from './environment.js';
export { type Packages, builtPackages, packagesAt, placeholderPackages } from './packages.js';
export { type Alarms, type N8n, type Stage, checkStage, examplesIn } from './stage.js';
export { stages } from './stages.js';
export { StatefulStack, type StillmotionStackProps } from './stateful-stack.js';
export { StatelessStack, type StatelessStackProps } from './stateless-stack.js';
export { Stillmotion, type StillmotionProps } from './stillmotion.js';
export { type Topology, parseTopology, readTopology, without } from './topology.js';
