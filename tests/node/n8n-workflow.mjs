// Runs the Code node of an n8n workflow, as n8n runs it, on requests.
//
// Reads JSON {workflow, node, env, requests: [{headers, body_base64}]} from standard input; the requests
// arrive one after the other, and what the workflow remembers stays. Writes a JSON array: for each request
// {items} that go on, or {error}.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const given = JSON.parse(readFileSync(0, 'utf8'));
const workflow = JSON.parse(readFileSync(given.workflow, 'utf8'));
const node = workflow.nodes.find(({ name }) => name === given.node);

// In n8n the code is the body of an async function, and these are its names.
const AsyncFunction = (async () => {}).constructor;
const code = new AsyncFunction(
  '$input', '$env', '$getWorkflowStaticData', 'require', node.parameters.jsCode,
);

const memory = {};
const allowed = (module) => {
  if (module !== 'crypto') throw new Error(`module ${module} is not allowed`);
  return createRequire(import.meta.url)(module);
};

const answers = [];
for (const { headers, body_base64 } of given.requests) {
  const raw = Buffer.from(body_base64, 'base64');
  const item = { json: { headers, params: {}, query: {}, body: parsed(raw) } };
  const helpers = { getBinaryDataBuffer: async () => raw };
  const input = { first: () => item, all: () => [item] };
  // What n8n stores is JSON, and it stores it only when all went well.
  const copy = structuredClone(memory);
  try {
    const items = await code.call({ helpers }, input, given.env, () => copy, allowed);
    Object.assign(memory, JSON.parse(JSON.stringify(copy)));
    answers.push({ items, remembered: (memory.seen ?? []).length });
  } catch (error) {
    answers.push({ error: error.message, remembered: (memory.seen ?? []).length });
  }
}
console.log(JSON.stringify(answers));

function parsed(raw) {
  try {
    return JSON.parse(raw.toString('utf8'));
  } catch {
    return raw.toString('utf8');
  }
}
