/** The sections of `docs/SCALE.md` that are reckoned. */

import type { Basis } from './basis.js';
import { dollarsOf, figures } from './page-figures.js';
import { lines, starved, sweeps, ten } from './page-limits.js';
import { chart, kept, offers, requests, standingOf, times, video, watching } from './page-video.js';
import { functions, units, volumes } from './page-volumes.js';
import { answer, order, wallsOf } from './page-walls.js';
import { PRICES } from './prices.js';
import { QUOTAS } from './quotas.js';
import { whole } from './text.js';

/** All sections, by name. */
export function sections(basis: Basis): Readonly<Record<string, string>> {
  return {
    answer: answer(basis),
    video: video(basis),
    chart: chart(basis),
    providers: offers(basis),
    requests: requests(basis),
    time: times(basis),
    keeping: kept(basis),
    standing: standingOf(basis),
    volumes: volumes(basis),
    functions: functions(basis),
    units: units(basis),
    walls: wallsOf(basis),
    order: order(basis),
    line: lines(basis),
    sweep: sweeps(basis),
    ten: ten(basis),
    starved: starved(basis),
    watching: watching(basis),
    prices: figures(PRICES, dollarsOf),
    quotas: figures(QUOTAS, (figure) => `${whole(figure.value)} ${figure.unit}`),
  };
}
