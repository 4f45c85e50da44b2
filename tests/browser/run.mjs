// Opens the page in Chromium and has a video made there; prints one line of JSON: what was seen.
//
// Takes API_URL, the ports PAGE_PORT (an origin that the API lets in) and OTHER_PORT (one that it does not),
// the path PHOTO, and SCREENSHOT, where a picture of the page is put.

import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { load } from '../node/packages.mjs';
import { badConnection, pages } from './servers.mjs';

const { chromium } = load('playwright-core');
const { API_URL, PAGE_PORT, OTHER_PORT, PHOTO, SCREENSHOT, STILLMOTION_CHROMIUM } = process.env;

const PATIENCE_MS = 60_000;
const streams = [];
const between = await badConnection(API_URL, streams);
const [here, elsewhere] = await Promise.all([pages(Number(PAGE_PORT)), pages(Number(OTHER_PORT))]);
const address = (origin) => `${origin}/?api=${encodeURIComponent(between)}`;

const isRoot = process.getuid() === 0;
const browser = await chromium.launch({
  executablePath: STILLMOTION_CHROMIUM,
  args: isRoot ? ['--no-sandbox'] : [],
});
const context = await browser.newContext({ viewport: { width: 800, height: 900 } });
context.setDefaultTimeout(PATIENCE_MS);
const errors = [];

async function open(origin) {
  const page = await context.newPage();
  page.on('pageerror', (error) => errors.push(`${error.name}: ${error.message}`));
  await page.goto(address(origin));
  return page;
}

async function make(page) {
  await page.setInputFiles('#photo', PHOTO);
  await page.fill('#title', 'Villa');
  await page.click('#make');
}

const shown = (page) => page.$$eval('#events li', (items) =>
  items.map(({ dataset: { seq, type, state } }) => ({ seq: Number(seq), type, state })));

// From where it is not let in, the page learns nothing and changes nothing.
async function refusedElsewhere() {
  const page = await open(elsewhere);
  await make(page);
  await page.waitForFunction(() => document.getElementById('problem').textContent);
  const api = await page.textContent('#problem');
  const bucket = await put(page, await announced(), 'as announced');
  await page.close();
  return { api, bucket };
}

// An upload that was announced by somebody who is no page.
async function announced() {
  const photo = await readFile(PHOTO);
  const digest = await crypto.subtle.digest('SHA-256', photo);
  const answer = await fetch(`${API_URL}/api/media/upload-intent`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      fileName: basename(PHOTO),
      contentType: 'image/jpeg',
      sizeBytes: photo.length,
      sha256: Buffer.from(digest).toString('base64'),
    }),
  });
  return answer.json();
}

// The page uploads the photo, or something else: what comes of it, and what becomes of the job.
async function put(page, { jobId, upload }, what) {
  const photo = await readFile(PHOTO);
  if (what === 'other bytes') photo[photo.length - 1] ^= 1;
  const bytes = [...(what === 'more bytes' ? Buffer.concat([photo, photo]) : photo)];
  const status = await page.evaluate(async ({ url, method, headers, bytes }) => {
    const body = new Uint8Array(bytes);
    return fetch(url, { method, headers, body }).then(({ status }) => status, ({ message }) => message);
  }, { ...upload, bytes });
  const job = await fetch(`${API_URL}/api/jobs/${jobId}`);
  return { status, state: (await job.json()).state };
}

// How many calls the page for people shows.
async function documented() {
  const page = await context.newPage();
  page.on('console', (message) => errors.push(message.text()));
  await page.goto(`${API_URL}/docs`);
  await page.waitForSelector('details.call');
  const calls = await page.$$eval('details.call', (calls) => calls.length);
  await page.close();
  return calls;
}

const refused = { elsewhere: await refusedElsewhere() };
const page = await open(here);
refused.otherBytes = await put(page, await announced(), 'other bytes');
refused.moreBytes = await put(page, await announced(), 'more bytes');

await make(page);
await page.waitForSelector('#events li, #problem:not(:empty)');
// The connection is broken now: the browser makes another.
for (let ms = 0; streams.length < 2 && ms < PATIENCE_MS; ms += 50) await page.waitForTimeout(50);
const beforeReload = await shown(page);
await page.reload();
await page.waitForFunction(() => document.getElementById('video').currentTime > 1.5
  || document.getElementById('problem').textContent);
const video = await page.$eval('#video', (video) => ({
  width: video.videoWidth, height: video.videoHeight, duration: video.duration, currentTime: video.currentTime,
}));
await page.screenshot({ path: SCREENSHOT });
const events = await shown(page);
const problem = await page.textContent('#problem');
const calls = await documented();
await browser.close();

console.log(JSON.stringify({ refused, beforeReload, events, streams, video, calls, problem, errors }));
process.exit();
