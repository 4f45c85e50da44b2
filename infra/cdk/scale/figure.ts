/** What is known of a price or a quota, and from where. */

/**
 * How far a figure can be believed.
 *
 * - `aws`: on a page of AWS itself, of which a stored copy was read;
 * - `quoted`: on a page of others that quotes AWS, or the provider, and says when;
 * - `memory`: from memory, not verified.
 */
export type Grade = 'aws' | 'quoted' | 'memory';

/** One price or quota. */
export interface Figure {
  readonly value: number;
  /** Of what: `request`, `GB-second`, … */
  readonly unit: string;
  readonly what: string;
  readonly region: string;
  readonly source: string;
  /** When the source says that it was so; absent: it does not. */
  readonly asOf?: string;
  /** The day it was looked up. */
  readonly lookedUp: string;
  readonly grade: Grade;
}

/** A page, and what all figures from it have in common. */
export type Source = Pick<Figure, 'source' | 'grade'> & { readonly asOf?: string };

/** Builds figures from one page, all of `region`. */
export function figuresOf(page: Source, region: string, lookedUp: string) {
  return (what: string, value: number, unit: string): Figure => ({ what, value, unit, region, lookedUp, ...page });
}
