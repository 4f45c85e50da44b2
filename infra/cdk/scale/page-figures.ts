/** The sections with prices and quotas. */

import type { Figure, Grade } from './figure.js';
import { digits, table } from './text.js';

const GRADES: Readonly<Record<Grade, string>> = { aws: 'AWS', quoted: 'quoted', memory: '**not verified**' };

/** A price with its unit. */
export const dollarsOf = ({ value, unit }: Figure) => {
  if (value >= 0.001) return `$${value} a ${unit}`;
  return unit === 'GB-second' ? `$${value.toFixed(10)} a ${unit}` : `$${digits(value * 1e6, 3)} a million ${unit}s`;
};

/** A table of figures. */
export function figures(all: Readonly<Record<string, Figure>>, show: (figure: Figure) => string): string {
  const rows = Object.values(all).map((figure) => [
    figure.what, show(figure), figure.region, figure.source === 'memory' ? '' : figure.source, figure.asOf ?? '', figure.lookedUp, GRADES[figure.grade],
  ]);
  return table(['', 'figure', 'region', 'source', 'as of', 'looked up', ''], rows, false);
}
