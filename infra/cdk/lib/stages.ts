/** The stages: what differs between them, as plain data. */

import { RetentionDays } from 'aws-cdk-lib/aws-logs';

import type { Stage } from './stage.js';

/** Largest photo, in bytes: 40 MiB, as on a laptop. */
const MAX_PHOTO_BYTES = '41943040';

/** What the sweep waits for in every stage, in seconds. */
const PATIENCE = { NUDGE_AFTER_SECS: '900', EXPIRE_AFTER_SECS: '86400', GIVE_UP_AFTER_SECS: '86400' };

/** What is temporary goes after it can be of no use: messages live for 10 days, dead letters for 14. */
const TEMPORARY = { 'uploads/': 30, 'fetch-requests/': 15, 'render-requests/': 15, 'delivered/': 15 };

/** How long a message may wait to be taken, in seconds; a delivery waits for its receiver. */
const PATIENT = {
  fetch: 3600,
  ingest: 1800,
  ltx: 21600,
  render: 7200,
  notify: 1800,
  deliver: 172800,
  supabase: 1800,
};
const STRICT = {
  fetch: 1800,
  ingest: 600,
  ltx: 7200,
  render: 3600,
  notify: 600,
  deliver: 86400,
  supabase: 600,
};

/** What may be spent on clips, in dollars: `ltx` keeps to it, the sweep tells how near it is. */
const CAPS = {
  dev: { CAP_DAY_USD: '5', CAP_MONTH_USD: '50' },
  staging: { CAP_USER_DAY_USD: '5', CAP_DAY_USD: '20', CAP_MONTH_USD: '200' },
  prod: { CAP_USER_DAY_USD: '20', CAP_DAY_USD: '200', CAP_MONTH_USD: '3000' },
};

/** Projects on Supabase: whose users may call, and where the rows are. Put yours here. */
const SUPABASE = {
  staging: { SUPABASE_URL: 'https://staging.supabase.example' },
  prod: { SUPABASE_URL: 'https://prod.supabase.example' },
};

/** To try things: no account with others is needed, and its data go with it. */
const dev: Stage = {
  name: 'dev',
  architecture: 'x86_64',
  isProtected: false,
  keepsData: false,
  without: ['supabase'],
  settings: {
    fetch: { MAX_PHOTO_BYTES },
    ingest: { MAX_PHOTO_BYTES },
    ltx: CAPS.dev,
    sweep: { ...PATIENCE, ...CAPS.dev },
  },
  origins: ['http://localhost:5173'],
  expireAfterDays: { ...TEMPORARY, 'photos/': 90, 'ltx-videos/': 90, 'renders/': 90 },
  glacierAfterDays: {},
  archiveDays: 7,
  logDays: RetentionDays.TWO_WEEKS,
  accessLogDays: 14,
  throttle: { perSecond: 20, burst: 40 },
  alarms: {
    emails: [],
    oldestMessageSecs: PATIENT,
    failedRecords: 20,
    errors: 5,
    throttles: 50,
    serverErrors: 10,
    spentPercent: 80,
  },
  budgetUsd: 50,
};

/** As production is, with smaller caps. */
const staging: Stage = {
  name: 'staging',
  architecture: 'x86_64',
  isProtected: false,
  keepsData: true,
  without: [],
  settings: {
    api: { ...SUPABASE.staging, QUOTA_JOBS_PER_DAY: '50' },
    fetch: { MAX_PHOTO_BYTES },
    ingest: { MAX_PHOTO_BYTES },
    ltx: CAPS.staging,
    supabase: SUPABASE.staging,
    sweep: { ...PATIENCE, ...CAPS.staging },
  },
  origins: ['https://staging.stillmotion.example'],
  expireAfterDays: { ...TEMPORARY, 'ltx-videos/': 90 },
  glacierAfterDays: { 'photos/': 60 },
  archiveDays: 14,
  logDays: RetentionDays.ONE_MONTH,
  accessLogDays: 30,
  throttle: { perSecond: 50, burst: 100 },
  alarms: {
    emails: ['staging@stillmotion.example'],
    oldestMessageSecs: PATIENT,
    failedRecords: 10,
    errors: 3,
    throttles: 20,
    serverErrors: 5,
    spentPercent: 80,
  },
  budgetUsd: 200,
  n8n: {
    url: 'https://n8n.stillmotion.example/webhook/stillmotion-events-staging',
    detailTypes: ['Rendered.v1', 'JobFailed.v1'],
    perSecond: 5,
  },
};

/** For customers. */
const prod: Stage = {
  name: 'prod',
  architecture: 'x86_64',
  isProtected: true,
  keepsData: true,
  without: [],
  settings: {
    api: { ...SUPABASE.prod, QUOTA_JOBS_PER_DAY: '200' },
    fetch: { MAX_PHOTO_BYTES },
    ingest: { MAX_PHOTO_BYTES },
    ltx: CAPS.prod,
    supabase: SUPABASE.prod,
    sweep: { ...PATIENCE, ...CAPS.prod },
  },
  origins: ['https://stillmotion.example'],
  expireAfterDays: TEMPORARY,
  glacierAfterDays: { 'photos/': 90 },
  archiveDays: 30,
  logDays: RetentionDays.THREE_MONTHS,
  accessLogDays: 90,
  throttle: { perSecond: 200, burst: 400 },
  alarms: {
    emails: ['operations@stillmotion.example'],
    oldestMessageSecs: STRICT,
    failedRecords: 3,
    errors: 1,
    throttles: 5,
    serverErrors: 1,
    spentPercent: 80,
  },
  budgetUsd: 1000,
  n8n: {
    url: 'https://n8n.stillmotion.example/webhook/stillmotion-events',
    detailTypes: ['Rendered.v1', 'JobFailed.v1'],
    perSecond: 20,
  },
};

/** The stages of this repository, by name. */
export const stages: Readonly<Record<'dev' | 'staging' | 'prod', Stage>> = { dev, staging, prod };
