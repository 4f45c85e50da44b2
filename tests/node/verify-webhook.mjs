// Verifies one webhook with the reference library of Standard Webhooks.
//
// Reads JSON {secret, headers, body_base64} from standard input. Exits with 0 if it is genuine, with 1 if
// it is refused, with 2 if it could not be judged, and says why. STILLMOTION_NODE_MODULES is the folder
// that npm's packages are in.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

process.on('uncaughtException', (fault) => {
  console.error(fault);
  process.exit(2);
});

const require = createRequire(`${process.env.STILLMOTION_NODE_MODULES}/`);
const { Webhook, WebhookVerificationError } = require('standardwebhooks');

const given = JSON.parse(readFileSync(0, 'utf8'));
const body = Buffer.from(given.body_base64, 'base64').toString('utf8');
try {
  new Webhook(given.secret).verify(body, given.headers);
} catch (refusal) {
  if (!(refusal instanceof WebhookVerificationError)) throw refusal;
  console.log(refusal.message);
  process.exit(1);
}
