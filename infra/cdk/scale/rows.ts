/** Rows of the chain and what writing them takes, indexes and all: `crates/aws/src/dynamo/`. */

import { type Deed, all, dynamo, putEvent, writeUnits } from './deeds.js';
import { ASSUMED, LINE, ROWS } from './measured.js';

/** States of the model's job, in their order. */
export type State = keyof typeof ROWS.job;
/** Facts of the model's job. */
export type Fact = keyof typeof ROWS.event;
/** Facts that others are told. */
export type Told = keyof typeof ROWS.delivery;

/** Partitions that jobs share, as the page names them. */
export const SHARED = {
  unpublished: 'index unpublished of jobs, its one partition',
  state: (state: State) => `index by-state of jobs, partition "${state}"`,
  owner: 'index by-owner of jobs, the partition of one owner',
  day: 'index by-day of ledger, the partition of today',
  account: (window: string) => `accounts, the row of the ${window}`,
  line: 'registers, the line before one provider',
  breaker: 'registers, the breaker of one endpoint',
  endpoint: 'index by-endpoint of deliveries, the partition of one endpoint',
} as const;

const jobBytes = (state: State) => ROWS.job[state] + ASSUMED.moreBytesOfJob;
const eventBytes = (fact: Fact) => ROWS.event[fact] + ASSUMED.moreBytesOfEvent;
const deliveryBytes = (fact: Told) => ROWS.delivery[fact] + ASSUMED.moreBytesOfEvent;

/** The job is found, and what is left to announce of it: `crates/ports/src/chronicle.rs`, `find`. */
export function find(state: State, facts: readonly Fact[]): Deed {
  const history = facts.map(eventBytes).reduce((sum, bytes) => sum + bytes, 0);
  return all([dynamo.get(jobBytes(state)), dynamo.query(history)]);
}

/** A step is stored: row and event in one transaction (`jobs.rs`, `write_new`, `write_next`). */
export function store(from: State | undefined, to: State, fact: Fact): Deed {
  const row = writeUnits(jobBytes(to));
  const entries = [
    { units: row, shared: SHARED.owner },
    { units: row, shared: SHARED.state(to) },
    // The key of the index changes with every step: one entry is removed, another is made.
    ...(from === undefined ? [] : [{ units: writeUnits(jobBytes(from)), shared: SHARED.state(from) }]),
  ];
  const event = { table: 'jobs', bytes: eventBytes(fact), entries: [{ units: writeUnits(eventBytes(fact)), shared: SHARED.unpublished }] };
  return dynamo.transact({ table: 'jobs', bytes: jobBytes(to), entries }, event);
}

/** A stored event is put on the bus, and noted to be there (`jobs.rs`, `mark_published`). */
export function publish(fact: Fact): Deed {
  const bytes = eventBytes(fact);
  const mark = dynamo.update({ table: 'jobs', bytes, entries: [{ units: writeUnits(bytes), shared: SHARED.unpublished }] });
  return all([putEvent(), mark]);
}

/** `crates/ports/src/chronicle.rs`, `step` and `begin`: store, then announce. */
export function step(from: State | undefined, to: State, fact: Fact): Deed {
  return all([store(from, to, fact), publish(fact)]);
}

/** A step that somebody else was quicker with: a transaction that is cancelled, and the row is read anew. */
export function lostRace(to: State, fact: Fact): Deed {
  return all([dynamo.transact({ table: 'jobs', bytes: jobBytes(to) }, { table: 'jobs', bytes: eventBytes(fact) }), dynamo.get(jobBytes(to))]);
}

/** A row of the ledger; with `accounts`, three sums in the same transaction (`ledger.rs`, `accounts.rs`). */
export function attempt(accounts: boolean): Deed {
  const row = { table: 'ledger', bytes: ROWS.attempt, entries: [{ units: writeUnits(ROWS.attempt), shared: SHARED.day }] };
  const sums = ['user\'s day', 'day', 'month'].map((window) => {
    return { table: 'accounts', bytes: ROWS.account, ...(window === 'user\'s day' ? {} : { shared: SHARED.account(window) }) };
  });
  return dynamo.transact(row, ...(accounts ? sums : []));
}

/** All attempts of a job. */
export const attempts = () => dynamo.query(ROWS.attempt);

/** Bytes of the line before a provider. */
export function lineBytes(underWay: number, waiting: number, users: number): number {
  return LINE.place * (underWay + Math.min(waiting, LINE.places)) + LINE.user * users;
}

/** The line is read, and written if it changes (`crates/ports/src/admission.rs`). */
export function line(bytes: number, changes: boolean): Deed {
  const read = dynamo.get(bytes);
  return changes ? all([read, dynamo.put({ table: 'registers', bytes, shared: SHARED.line })]) : read;
}

/** The breaker of an endpoint is read and written (`functions/deliver/src/gate.rs`). */
export const breaker = () => all([dynamo.get(), dynamo.put({ table: 'registers', bytes: ROWS.breaker, shared: SHARED.breaker })]);

/** A row of the log of deliveries is written, and its two indexes (`deliveries.rs`). */
export function delivery(fact: Told): Deed {
  const units = writeUnits(deliveryBytes(fact));
  return dynamo.transact({ table: 'deliveries', bytes: deliveryBytes(fact), entries: [{ units }, { units, shared: SHARED.endpoint }] });
}
