// What stands between the browser and the API: two web servers with the same page, and a bad connection.

import { readFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

const TYPES = { '.html': 'text/html; charset=utf-8', '.mjs': 'text/javascript' };
const FILES = ['index.html', 'page.mjs', 'upload.mjs'];

const listening = (server, port) => new Promise((resolve, reject) => {
  server.on('error', reject);
  server.listen(port, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`));
});

// Serves the page.
export function pages(port) {
  return listening(createServer(async ({ url }, answer) => {
    const name = new URL(url, 'http://localhost').pathname.slice(1) || 'index.html';
    if (!FILES.includes(name)) return answer.writeHead(404).end();
    const body = await readFile(fileURLToPath(new URL(name, import.meta.url)));
    answer.writeHead(200, { 'content-type': TYPES[extname(name)] }).end(body);
  }), port);
}

// Passes everything on to `api`, and breaks the first stream of events off behind its first event. How
// each of the streams began is written in `began`.
export function badConnection(api, began) {
  return listening(createServer((asked, answer) => {
    const isStream = asked.headers.accept === 'text/event-stream';
    const breaks = isStream && began.length === 0;
    if (isStream) {
      const after = new URL(asked.url, api).searchParams.get('after');
      began.push({ after, lastEventId: asked.headers['last-event-id'] ?? null });
    }
    const { method, headers } = asked;
    const passed = request(new URL(asked.url, api), { method, headers }, (told) => {
      answer.writeHead(told.statusCode, told.headers);
      told.on('data', (bytes) => {
        answer.write(bytes);
        if (breaks && /^id:/m.test(bytes)) setTimeout(() => answer.destroy(), 50);
      });
      told.on('end', () => answer.end());
    });
    passed.on('error', () => answer.destroy());
    answer.on('close', () => passed.destroy());
    asked.pipe(passed);
  }), 0);
}
