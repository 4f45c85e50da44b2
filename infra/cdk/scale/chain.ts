/**
 * What the chain does for one video: invocations and their requests, as the handlers make them.
 *
 * Counted in the code; the counts of the camera move are those seen on the wire of `./stillmotion make` on
 * 2026-11-21 (`test/scale.test.ts` has them).
 */

import { type Deed, all, dynamo, s3, sqs, times, waitFor } from './deeds.js';
import { ASSUMED, BYTES, ROWS } from './measured.js';
import { type Fact, type Told, attempt, attempts, breaker, delivery, find, line, lineBytes, lostRace, step } from './rows.js';

/** Which video. */
export interface Wish {
  /** Absent: the built-in camera move. */
  readonly provider?: { readonly pollEverySecs: number; readonly concurrency?: number };
  /** Webhook endpoints that are told of everything. */
  readonly endpoints: number;
  readonly cpu: { readonly ingest: number; readonly ltx: number; readonly render: number };
  /** Bytes of the line when the job takes its turn. */
  readonly lineBytes?: number;
}

/** A function runs. */
export interface Invocation {
  readonly function: string;
  readonly what: string;
  readonly times: number;
  readonly deeds: Deed;
  /** Seconds of one core. */
  readonly cpuSecs: number;
  readonly threads: number;
}

/** All that happens for a video. */
export interface Chain {
  readonly invocations: readonly Invocation[];
  /** Requests of others: browsers, S3, EventBridge, Lambda's pollers. */
  readonly others: Deed;
  /** Messages that Lambda receives, by queue. */
  readonly received: Readonly<Record<string, number>>;
}

/** Facts that rules of the topology put in queues; others are stored and go to the bus alone. */
export const TOLD = ['JobCreated', 'PhotoAccepted', 'LtxDone', 'Rendered'] as const satisfies readonly Told[];

const BEFORE_PHOTO: readonly Fact[] = ['JobCreated'];
const BEFORE_CLIP: readonly Fact[] = [...BEFORE_PHOTO, 'PhotoAccepted'];
const WITH_CLIP: readonly Fact[] = [...BEFORE_CLIP, 'GenerationStarted', 'LtxDone'];
const RENDERING: readonly Fact[] = [...WITH_CLIP, 'RenderStarted'];

const running = (name: string, what: string, deeds: Deed, some: Partial<Invocation> = {}): Invocation => {
  return { function: name, what, times: 1, deeds, cpuSecs: 0, threads: 1, ...some };
};

/** What happens for one video. */
export function chainOf(wish: Wish): Chain {
  const filming = wish.provider === undefined ? cameraMove(wish) : ordered(wish, wish.provider);
  const invocations = [
    // functions/api/src/calls/media/intent.rs, new_job.rs, quota.rs: two meters, row with event, bus, mark.
    running('api', 'upload intent', all([times(2, dynamo.update({ table: 'meters', bytes: ROWS.meter })), step(undefined, 'pending', 'JobCreated')])),
    // functions/api/src/calls/jobs.rs: the frontend asks once, when it is over.
    running('api', 'state of the job', find('rendered', RENDERING)),
    ingest(wish),
    ...filming,
    render(wish),
    ...TOLD.flatMap((fact) => told(fact, wish.endpoints)),
  ];
  const received = {
    ingest: 1,
    ltx: filming.reduce((sum, one) => sum + one.times, 0),
    render: 1,
    notify: TOLD.length,
    supabase: TOLD.length,
    deliver: TOLD.length * wish.endpoints,
  };
  return { invocations, received, others: others(received, wish.endpoints) };
}

/** functions/ingest/src/handler.rs: `take`, `accept`, `develop`. */
function ingest(wish: Wish): Invocation {
  const deeds = all([
    s3.head(), // the upload
    find('pending', BEFORE_PHOTO),
    s3.head(), // the photo, which may be there
    s3.get(BYTES.upload),
    s3.put(BYTES.photo),
    step('pending', 'queued', 'PhotoAccepted'),
    sqs.send(),
  ]);
  return running('ingest', 'photo', deeds, { cpuSecs: wish.cpu.ingest, threads: ASSUMED.threads.photo });
}

/** functions/ltx/src/handler.rs, `serve`: what precedes everything. */
const looking = (facts: readonly Fact[]) => all([find('generating', facts), attempts(), s3.head()]);

/** `keep` and `finish`: the clip is put, the attempt settled, the step stored, everything wound up. */
function keep(paid: boolean, lineBytes: number): Deed {
  return all([
    s3.put(BYTES.clip),
    attempts(),
    attempt(false), // what was reserved is what is charged
    ...(paid ? [line(lineBytes, true)] : []),
    step('generating', 'ltx_done', 'LtxDone'),
    s3.head(), // winding_up.rs
    times(2, attempts()),
    ...(paid ? [line(lineBytes, false)] : []),
  ]);
}

/** A provider without a pause is looked at in the invocation that orders: functions/ltx/src/ordering.rs. */
function cameraMove(wish: Wish): Invocation[] {
  const deeds = all([
    looking(BEFORE_CLIP),
    step('queued', 'generating', 'GenerationStarted'),
    s3.get(BYTES.photo),
    attempt(false), // intended: it is free, so no account has it
    attempt(false), // submitted
    s3.head(), // what may have been delivered
    s3.get(BYTES.photo),
    lostRace('ltx_done', 'LtxDone'), // it goes on with the job as it was before it began
    keep(false, 0),
  ]);
  return [running('ltx', 'camera move', deeds, { cpuSecs: wish.cpu.ltx, threads: ASSUMED.threads.video })];
}

/** functions/ltx/src/ordering.rs, collecting.rs: ordered, looked at, collected. */
function ordered(wish: Wish, provider: NonNullable<Wish['provider']>): Invocation[] {
  const hasLine = provider.concurrency !== undefined;
  const bytes = wish.lineBytes ?? lineBytes(provider.concurrency ?? 0, 0, provider.concurrency ?? 0);
  const order = all([
    looking(BEFORE_CLIP),
    ...(hasLine ? [line(bytes, true)] : []),
    step('queued', 'generating', 'GenerationStarted'),
    s3.get(BYTES.photo),
    dynamo.get(ROWS.cachedClip), // reuse.rs: an equal order
    attempt(true),
    waitFor('provider', BYTES.photo), // the photo goes there
    times(2, waitFor('provider')), // where to, and the order
    attempt(false),
    sqs.hide(),
  ]);
  const look = all([looking([...BEFORE_CLIP, 'GenerationStarted']), s3.head(), waitFor('provider')]);
  const collect = all([
    look,
    s3.get(BYTES.photo),
    waitFor('provider', BYTES.clip),
    s3.put(BYTES.clip), // as it comes
    s3.get(BYTES.clip),
    dynamo.get(ROWS.cachedClip),
    dynamo.put({ table: 'registers', bytes: ROWS.cachedClip }),
    keep(hasLine, bytes),
    s3.remove(),
  ]);
  return [
    running('ltx', 'order', order),
    running('ltx', 'look', all([look, sqs.hide()]), { times: looks(provider.pollEverySecs) }),
    running('ltx', 'collect', collect, { cpuSecs: ASSUMED.rewrapCpuSecs }),
  ];
}

/** Looks at work that is still under way; the one that finds it done comes after them. */
export function looks(pollEverySecs: number): number {
  return Math.ceil(ASSUMED.providerSecs / pollEverySecs) - 1;
}

/**
 * A job waits in the line before a provider: functions/ltx/src/ordering.rs, `ask_for_turn`, and back to the queue.
 *
 * `bytes` is the size of the line.
 */
export function waitingLook(bytes: number): Deed {
  return all([looking(BEFORE_CLIP), line(bytes, false), sqs.hide()]);
}

/** functions/render/src/handler.rs: `take`, `make`, `gather`, `store_video`. */
function render(wish: Wish): Invocation {
  const deeds = all([
    find('generating', WITH_CLIP),
    s3.head(), // the clip
    lostRace('ltx_done', 'LtxDone'), // it hears of the clip before `ltx` has written the row
    s3.head(), // what is still being fetched
    s3.head(), // the video, which may be there
    step('ltx_done', 'rendering', 'RenderStarted'),
    s3.get(BYTES.clip),
    s3.get(BYTES.logo),
    s3.get(BYTES.music),
    find('rendering', RENDERING), // it took a while
    s3.put(BYTES.poster),
    s3.put(BYTES.video),
    step('rendering', 'rendered', 'Rendered'),
  ]);
  return running('render', 'video', deeds, { cpuSecs: wish.cpu.render, threads: ASSUMED.threads.video });
}

/** A fact reaches the receivers of webhooks and the user's table. */
function told(fact: Told, endpoints: number): Invocation[] {
  // functions/notify/src/handler.rs: endpoints of the house and of the owner; row first, then message.
  const ask = all([dynamo.get(), delivery(fact), sqs.send()]);
  const notify = all([times(2, dynamo.query()), times(endpoints, ask)]);
  // functions/deliver/src/handler.rs: claimed, posted, written down, place given back.
  const tell = all([
    dynamo.get(),
    dynamo.get(),
    breaker(),
    delivery(fact),
    waitFor('receiver'),
    delivery(fact),
    breaker(),
  ]);
  // functions/supabase/src/handler.rs: a creation looks at the job before and after.
  const change = fact === 'JobCreated' ? all([times(2, dynamo.get()), waitFor('supabase')]) : waitFor('supabase');
  return [
    running('notify', fact, notify),
    running('supabase', fact, change),
    ...(endpoints > 0 ? [running('deliver', fact, tell, { times: endpoints })] : []),
  ];
}

/** The browser's upload; what S3 and EventBridge send; what Lambda receives and removes. */
function others(received: Readonly<Record<string, number>>, endpoints: number): Deed {
  const receptions = Object.values(received).reduce((sum, count) => sum + count, 0);
  const removed = 3 + TOLD.length * (2 + endpoints); // each message once, however often it was looked at
  const sentForUs = 2 + TOLD.length * 2; // two objects, and the facts to two queues
  return all([s3.put(BYTES.upload), times(receptions + removed + sentForUs, sqs.send())]);
}
