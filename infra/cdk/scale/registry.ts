/** `crates/providers/registry.toml`: what providers ask for, as far as this page needs it. */

/** A provider, with the first offer of its default model. */
export interface Provider {
  readonly name: string;
  readonly model: string;
  /** Orders at once; absent: no limit is documented. */
  readonly concurrency?: number;
  readonly pollEverySecs: number;
  readonly clipSecs: number;
  readonly resolution: string;
  /** Dollars for a clip of that length. */
  readonly dollars: number;
  /** The day of the registry. */
  readonly dated: string;
}

/**
 * Reads the providers. It reads that file and no other TOML: tables, texts and numbers on a line each, offers on
 * a line each.
 *
 * @throws if something is not where it is expected.
 */
export function readProviders(toml: string): readonly Provider[] {
  const dated = member(toml, 'dated = "(.*)"', 'registry');
  return toml.split(/^\[\[providers\]\]$/m).slice(1).map((text) => provider(text, dated));
}

function provider(text: string, dated: string): Provider {
  const [head = '', ...models] = text.split(/^\[\[providers\.models\]\]$/m);
  const name = member(head, '^name = "(.*)"', 'a provider');
  const model = member(head, '^default_model = "(.*)"', name);
  const offers = models.find((it) => it.includes(`name = "${model}"`));
  if (offers === undefined) throw new Error(`registry: ${name} has no model "${model}"`);
  const clipSecs = Number(member(offers, 'durations_secs = \\[(\\d+)', model));
  const [kind, price] = [member(offers, 'price = \\{ (\\w+) =', model), member(offers, 'price = \\{ \\w+ = "([\\d.]+)"', model)];
  const concurrency = head.match(/^concurrency = (\d+)/m)?.[1];
  return {
    name,
    model,
    ...(concurrency === undefined ? {} : { concurrency: Number(concurrency) }),
    pollEverySecs: Number(member(head, '^poll_every_secs = (\\d+)', name)),
    clipSecs,
    resolution: member(offers, 'resolutions = \\["(\\w+)"', model),
    dollars: Number(price) * (kind === 'per_second' ? clipSecs : 1),
    dated,
  };
}

function member(text: string, pattern: string, of: string): string {
  const found = text.match(new RegExp(pattern, 'm'))?.[1];
  if (found === undefined) throw new Error(`registry: ${of} lacks ${pattern}`);
  return found;
}
