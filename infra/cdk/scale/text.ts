/** Tables and numbers of the page. */

/** A table in Markdown; the first column is text, the others are as `right` says. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], right = true): string {
  const rule = head.map((_, at) => (at > 0 && right ? '---:' : '---'));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** So many significant digits, with thousands apart. */
export function digits(value: number, significant = 2): string {
  if (value === 0) return '0';
  const rounded = Number(value.toPrecision(significant));
  const decimals = Math.max(0, significant - 1 - Math.floor(Math.log10(Math.abs(rounded))));
  return rounded.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** Dollars; small ones with two significant digits. */
export function dollars(value: number): string {
  if (value === 0) return '0';
  const decimals = value < 100 ? 2 : 0;
  return value < 1 ? `$${digits(value)}` : `$${value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })}`;
}

/** A whole number, with thousands apart. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** So many photos a day, in round numbers. */
export function perDay(photos: number): string {
  return `${whole(Number(photos.toPrecision(2)))} a day`;
}

/** A time that a person understands. */
export function time(secs: number): string {
  if (secs < 0.05) return 'none';
  if (secs < 10) return `${digits(secs, 2)} s`;
  if (secs < 120) return `${whole(secs)} s`;
  if (secs < 7_200) return `${whole(secs / 60)} min`;
  return secs < 172_800 ? `${whole(secs / 3_600)} h` : `${whole(secs / 86_400)} days`;
}

/** Bars, the longest of which has `width` signs. */
export function bars(values: Readonly<Record<string, number>>, show: (value: number) => string, width = 48): string {
  const most = Math.max(...Object.values(values));
  const name = Math.max(...Object.keys(values).map((it) => it.length));
  const rows = Object.entries(values).map(([it, value]) => {
    const bar = '█'.repeat(Math.round((value / most) * width)) || '▏';
    return `${it.padEnd(name)}  ${bar} ${show(value)}`;
  });
  return ['```text', ...rows, '```'].join('\n');
}

/**
 * Puts sections in the place of those that a page has between `<!-- scale:NAME -->` and `<!-- /scale:NAME -->`.
 *
 * @throws if the page lacks one of them, or has one that is not among them.
 */
export function fill(page: string, sections: Readonly<Record<string, string>>): string {
  const there = [...page.matchAll(/<!-- scale:([\w-]+) -->/g)].map((found) => found[1]!);
  for (const name of there) {
    if (!Object.hasOwn(sections, name)) throw new Error(`docs/SCALE.md has a section "${name}" that nothing writes`);
  }
  return Object.entries(sections).reduce((filled, [name, text]) => {
    const [begin, end] = [`<!-- scale:${name} -->`, `<!-- /scale:${name} -->`];
    const [from, to] = [filled.indexOf(begin), filled.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`docs/SCALE.md lacks ${begin} … ${end}`);
    return `${filled.slice(0, from + begin.length)}\n${text}\n${filled.slice(to)}`;
  }, page);
}
