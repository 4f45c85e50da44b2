// Runs an n8n workflow on requests, as n8n runs it: the kinds of node that ours have, and no others.
//
// Reads JSON {workflow, env, broken, requests: [{headers, body_base64}]} from standard input; the requests
// arrive one after the other, and what the workflow remembers stays. `broken` names the nodes whose code n8n
// cannot run. Writes a JSON array, for each request {status, said, node, items, error, remembered}: the
// answer, the last node that ran, what came out of it, and how many ids are remembered.
//
// Source: n8n, packages/core/src/execution-engine/workflow-execute.ts and the nodes in packages/nodes-base.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const given = JSON.parse(readFileSync(0, 'utf8'));
const workflow = JSON.parse(readFileSync(given.workflow, 'utf8'));
const byName = new Map(workflow.nodes.map((node) => [node.name, node]));
const trigger = workflow.nodes.find(({ type }) => type === 'n8n-nodes-base.webhook');
const memory = {};

const answers = [];
for (const request of given.requests) {
  const run = { status: null, said: null, node: null, items: [], error: null };
  await follow(run, Buffer.from(request.body_base64, 'base64'), request.headers);
  // Without an answer of its own a workflow is answered for, by how it ended.
  run.status ??= run.error ? 500 : 200;
  answers.push({ ...run, remembered: (memory.seen ?? []).length });
}
console.log(JSON.stringify(answers));

async function follow(run, raw, headers) {
  if (trigger.parameters.responseMode === 'onReceived') run.status = 200;
  const received = { json: { headers, params: {}, query: {}, body: parsed(raw) } };
  const waiting = [[trigger, [received]]];
  while (waiting.length > 0) {
    const [node, items] = waiting.pop();
    run.node = node.name;
    let outputs;
    try {
      outputs = await ran(run, node, items, raw);
    } catch (error) {
      run.error = error.message;
      return;
    }
    run.items = outputs.flat();
    for (const [at, targets] of (workflow.connections[node.name]?.main ?? []).entries()) {
      if (!outputs[at]?.length) continue;
      for (const target of targets) waiting.push([byName.get(target.node), outputs[at]]);
    }
  }
}

// What comes out of a node, output by output.
async function ran(run, node, items, raw) {
  const { parameters } = node;
  const [{ json }] = items;
  switch (node.type.replace('n8n-nodes-base.', '')) {
    case 'webhook':
    case 'noOp':
      return [items];
    case 'code':
      return [await coded(node, items, raw)];
    case 'if':
      return holds(parameters.conditions, json) ? [items, []] : [[], items];
    case 'respondToWebhook':
      // The first answer counts.
      run.said ??= parameters.respondWith === 'text' ? valueOf(parameters.responseBody, json) : '';
      run.status ??= valueOf(parameters.options.responseCode, json);
      return [items];
    case 'switch': {
      const rules = parameters.rules.values;
      const rule = rules.findIndex(({ conditions }) => holds(conditions, json));
      const outputs = Array.from({ length: rules.length + 1 }, () => []);
      outputs[rule === -1 ? rules.length : rule] = items;
      return outputs;
    }
    default:
      throw new Error(`nodes of type ${node.type} cannot be run here`);
  }
}

async function coded(node, items, raw) {
  const goesOn = node.onError === 'continueRegularOutput';
  if (given.broken.includes(node.name)) {
    // Told to go on, n8n hands on what the node was given.
    if (goesOn) return items;
    throw new Error('the task runner is away');
  }
  // In n8n the code is the body of an async function, and these are its names.
  const AsyncFunction = (async () => {}).constructor;
  const code = new AsyncFunction(
    '$input', '$env', '$getWorkflowStaticData', 'require', node.parameters.jsCode,
  );
  const getBinaryDataBuffer = async () => {
    if (!trigger.parameters.options.rawBody) throw new Error('there is no binary data');
    return raw;
  };
  const input = { first: () => items[0], all: () => items };
  // What n8n stores is JSON, and nothing of what code remembers that ends with an error.
  const copy = structuredClone(memory);
  try {
    const self = { helpers: { getBinaryDataBuffer } };
    const output = await code.call(self, input, given.env, () => copy, allowed);
    Object.assign(memory, JSON.parse(JSON.stringify(copy)));
    return output;
  } catch (error) {
    if (goesOn) return [{ json: { error: error.message } }];
    throw error;
  }
}

function allowed(module) {
  if (module !== 'crypto') throw new Error(`module ${module} is not allowed`);
  return createRequire(import.meta.url)(module);
}

function holds({ conditions: [condition, ...more], combinator }, json) {
  if (more.length > 0 || combinator !== 'and') throw new Error('only one condition can be told here');
  const [left, right] = [condition.leftValue, condition.rightValue].map((value) => valueOf(value, json));
  const { type, operation } = condition.operator;
  switch (`${type} ${operation}`) {
    case 'boolean true':
      return left === true;
    case 'string equals':
      return left === right;
    default:
      throw new Error(`${type} ${operation} cannot be told here`);
  }
}

// A parameter that begins with = is an expression.
function valueOf(parameter, json) {
  const expression = /^=\{\{(.*)\}\}$/s.exec(parameter)?.[1];
  return expression ? new Function('$json', `return (${expression});`)(json) : parameter;
}

function parsed(raw) {
  try {
    return JSON.parse(raw.toString('utf8'));
  } catch {
    return raw.toString('utf8');
  }
}
