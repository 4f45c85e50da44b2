/** Single requests, what they take of their service, and how long they take. */

import { ASSUMED } from './measured.js';

/** A size of which DynamoDB counts whole units: 1 KiB written, 4 KiB read. */
const WRITE_UNIT = 1024;
const READ_UNIT = 4096;
/** Above it, an object is put in parts of this size: `crates/aws/src/s3/upload.rs`. */
const PART = 8 * 1024 * 1024;

/** What counts as a request, service by service. */
export interface Requests {
  readonly s3Puts: number;
  readonly s3Gets: number;
  readonly s3Deletes: number;
  readonly messages: number;
  readonly events: number;
  readonly gets: number;
  readonly queries: number;
  readonly puts: number;
  readonly updates: number;
  readonly transactions: number;
}

/** Write units that go to one partition which jobs share. */
export type Shared = Readonly<Record<string, number>>;

/** What one or more requests take. */
export interface Deed extends Requests {
  readonly secs: number;
  readonly readUnits: number;
  /** Of rows and of indexes. */
  readonly writeUnits: number;
  /** Of rows alone, by table. */
  readonly tables: Shared;
  readonly shared: Shared;
}

const NOTHING: Deed = {
  s3Puts: 0, s3Gets: 0, s3Deletes: 0, messages: 0, events: 0,
  gets: 0, queries: 0, puts: 0, updates: 0, transactions: 0,
  secs: 0, readUnits: 0, writeUnits: 0, tables: {}, shared: {},
};

type Numbers = keyof Omit<Deed, 'tables' | 'shared'>;
const NUMBERS = Object.keys(NOTHING).filter((name) => name !== 'tables' && name !== 'shared') as Numbers[];

const { secs } = ASSUMED;

function deed(some: Partial<Deed>): Deed {
  return { ...NOTHING, ...some };
}

/** All of these. */
export function all(deeds: readonly Deed[]): Deed {
  return deeds.reduce((sum, one) => add(sum, one), NOTHING);
}

/** `deeds`, so many times. */
export function times(count: number, ...deeds: readonly Deed[]): Deed {
  const one = all(deeds);
  const numbers = Object.fromEntries(NUMBERS.map((name) => [name, one[name] * count]));
  return { ...one, ...numbers, tables: scaled(one.tables, count), shared: scaled(one.shared, count) };
}

function add(a: Deed, b: Deed): Deed {
  const sums = Object.fromEntries(NUMBERS.map((name) => [name, a[name] + b[name]]));
  return { ...NOTHING, ...sums, tables: merged(a.tables, b.tables), shared: merged(a.shared, b.shared) };
}

/** The sums of two sets of numbers under names. */
export function merged(a: Shared, b: Shared): Shared {
  const sums: Record<string, number> = { ...a };
  for (const [name, value] of Object.entries(b)) sums[name] = (sums[name] ?? 0) + value;
  return sums;
}

/** Each of them, so many times. */
export function scaled(shared: Shared, count: number): Shared {
  return Object.fromEntries(Object.entries(shared).map(([name, value]) => [name, value * count]));
}

/** Units to write so many bytes. */
export function writeUnits(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / WRITE_UNIT));
}

/** Units to read so many bytes, as the newest write left them. */
export function readUnits(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / READ_UNIT));
}

/** How many requests it takes to put an object. */
export function putRequests(bytes: number): number {
  return bytes < PART ? 1 : 2 + Math.ceil(bytes / PART);
}

const moving = (bytes: number) => bytes / ASSUMED.bytesPerSec;

/** S3: an object is put, read, looked for, removed. */
export const s3 = {
  put: (bytes: number) => deed({ s3Puts: putRequests(bytes), secs: secs.s3 * putRequests(bytes) + moving(bytes) }),
  get: (bytes: number) => deed({ s3Gets: 1, secs: secs.s3 + moving(bytes) }),
  head: () => deed({ s3Gets: 1, secs: secs.s3 }),
  remove: () => deed({ s3Deletes: 1, secs: secs.s3 }),
};

/** SQS: a message is sent, or hidden for a while. */
export const sqs = {
  send: () => deed({ messages: 1, secs: secs.message }),
  hide: () => deed({ messages: 1, secs: secs.message }),
};

/** An event is put on the bus. */
export const putEvent = () => deed({ events: 1, secs: secs.events });

/** An entry of an index that a write touches: once where it stays, twice where its key changes. */
export interface Entry {
  readonly units: number;
  /** The partition, where jobs share it. */
  readonly shared?: string;
}

/** A row that is written. */
export interface Written {
  readonly table: string;
  readonly bytes: number;
  /** The row's own partition, where jobs share it. */
  readonly shared?: string;
  readonly entries?: readonly Entry[];
}

/** DynamoDB: rows are read, counted, written. */
export const dynamo = {
  get: (bytes = 0) => deed({ gets: 1, readUnits: readUnits(bytes), secs: secs.read }),
  query: (bytes = 0) => deed({ queries: 1, readUnits: readUnits(bytes), secs: secs.read }),
  put: (row: Written) => deed({ puts: 1, secs: secs.write, ...written([row], 1) }),
  update: (row: Written) => deed({ updates: 1, secs: secs.write, ...written([row], 1) }),
  /** Twice the units of the rows; indexes follow later, at the usual price (not verified). */
  transact: (...rows: readonly Written[]) => deed({ transactions: 1, secs: secs.transaction, ...written(rows, 2) }),
};

function written(rows: readonly Written[], factor: number): Pick<Deed, 'writeUnits' | 'tables' | 'shared'> {
  let [units, tables, shared]: [number, Shared, Shared] = [0, {}, {}];
  for (const row of rows) {
    const own = factor * writeUnits(row.bytes);
    units += own;
    tables = merged(tables, { [row.table]: own });
    if (row.shared !== undefined) shared = merged(shared, { [row.shared]: own });
    for (const entry of row.entries ?? []) {
      units += entry.units;
      if (entry.shared !== undefined) shared = merged(shared, { [entry.shared]: entry.units });
    }
  }
  return { writeUnits: units, tables, shared };
}

/** Time that passes at somebody else's, which is charged as time of the function. */
export const waitFor = (what: 'provider' | 'receiver' | 'supabase', bytes = 0) => deed({ secs: secs[what] + moving(bytes) });
