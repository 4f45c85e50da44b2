/** Reads JSON into types, and refuses what it does not know. */

/** Reads a value, or throws an error that says where it is. */
export type Read<T> = (value: unknown, at: string) => T;

/** An optional member: see {@link object}. */
interface Optional<T> {
  readonly ifThere: Read<T>;
}

type Members<T> = {
  readonly [K in keyof T]-?: undefined extends T[K] ? Optional<Exclude<T[K], undefined>> : Read<T[K]>;
};

function wrong(at: string, wanted: string): Error {
  return new Error(`${at} is not ${wanted}`);
}

/** A string. */
export const text: Read<string> = (value, at) => {
  if (typeof value !== 'string') throw wrong(at, 'a string');
  return value;
};

/** A whole number from 0. */
export const number: Read<number> = (value, at) => {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw wrong(at, 'a whole number');
  return value as number;
};

/** Any JSON object. */
export const table: Read<Record<string, unknown>> = (value, at) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(at, 'an object');
  return value as Record<string, unknown>;
};

/** One of some words. */
export function words<const W extends readonly string[]>(...all: W): Read<W[number]> {
  return (value, at) => {
    if (!all.includes(value as string)) throw wrong(at, `one of ${all.join(', ')}`);
    return value as W[number];
  };
}

/** A list. */
export function list<T>(read: Read<T>): Read<readonly T[]> {
  return (value, at) => {
    if (!Array.isArray(value)) throw wrong(at, 'a list');
    return value.map((item, place) => read(item, `${at}[${place}]`));
  };
}

/** An object whose members are all alike. */
export function map<T>(read: Read<T>): Read<Readonly<Record<string, T>>> {
  return (value, at) => {
    const members = Object.entries(table(value, at));
    return Object.fromEntries(members.map(([name, member]) => [name, read(member, `${at}.${name}`)]));
  };
}

/** A member that may be missing. */
export function optional<T>(read: Read<T>): Optional<T> {
  return { ifThere: read };
}

/** An object with these members, and no others. */
export function object<T>(members: Members<T>): Read<T> {
  return (value, at) => {
    const there = table(value, at);
    for (const name of Object.keys(there)) {
      if (!Object.hasOwn(members, name))
        throw new Error(`${at}.${name} is not known to infra/cdk, which has to learn what it means`);
    }
    const read: Record<string, unknown> = {};
    for (const [name, how] of Object.entries(members) as [string, Read<unknown> | Optional<unknown>][]) {
      if (Object.hasOwn(there, name)) {
        read[name] = (typeof how === 'function' ? how : how.ifThere)(there[name], `${at}.${name}`);
      } else if (typeof how === 'function') {
        throw new Error(`${at} lacks ${name}`);
      }
    }
    return read as T;
  };
}
