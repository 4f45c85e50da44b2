// Subscribes to the updates of one row as its owner; prints the row as it is by then, and as each update
// tells it, a line of JSON each. Runs until its input ends.
import { client } from './client.mjs';
import { load } from './packages.mjs';

process.stdin.on('end', () => process.exit()).resume();

const { WebSocketServer } = load('ws');
const { SUPABASE_URL, SUPABASE_KEY, OWNER_TOKEN, JOB_ID } = process.env;
const say = (row) => console.log(JSON.stringify(row));
const read = async (token) => {
  const rows = client(SUPABASE_URL, SUPABASE_KEY, token).from('videos').select().eq('id', JOB_ID);
  return (await rows).data?.[0];
};

// A stand-in for the Realtime server, which cannot be had here: it speaks the frames of vsn 2.0.0,
// [join_ref, ref, topic, event, payload], and learns of updates by reading the row with the token of
// the subscriber. So it shows what the client makes of updates, not that Supabase sends them.
function stub() {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  server.on('connection', (socket) => {
    const send = (...frame) => socket.send(JSON.stringify(frame));
    socket.on('message', async (text) => {
      const [joinRef, ref, topic, event, payload] = JSON.parse(text);
      if (event !== 'phx_join') return send(joinRef, ref, topic, 'phx_reply', { status: 'ok', response: {} });
      const changes = payload.config.postgres_changes.map((change, i) => ({ id: i + 1, ...change }));
      let last = JSON.stringify(await read(payload.access_token));
      send(joinRef, ref, topic, 'phx_reply', { status: 'ok', response: { postgres_changes: changes } });
      send(joinRef, null, topic, 'system', {
        channel: topic, extension: 'postgres_changes', message: 'Subscribed to PostgreSQL', status: 'ok',
      });
      const timer = setInterval(async () => {
        const record = await read(payload.access_token);
        if (!record || JSON.stringify(record) === last) return;
        last = JSON.stringify(record);
        const columns = Object.keys(record).map((name) => ({ name, type: 'text' }));
        const data = {
          type: 'UPDATE', schema: 'public', table: 'videos', commit_timestamp: record.updated_at,
          columns, record, old_record: { id: record.id }, errors: null,
        };
        send(joinRef, null, topic, 'postgres_changes', { ids: [1], data });
      }, 50);
      socket.on('close', () => clearInterval(timer));
    });
  });
  return new Promise((listening) => server.on('listening', () => listening(server.address().port)));
}

const subscriber = client(`http://127.0.0.1:${await stub()}`, SUPABASE_KEY);
await subscriber.realtime.setAuth(OWNER_TOKEN);
const updates = { event: 'UPDATE', schema: 'public', table: 'videos', filter: `id=eq.${JOB_ID}` };
subscriber
  .channel(`video-${JOB_ID}`)
  .on('postgres_changes', updates, ({ new: row }) => say(row))
  .subscribe(async (status, error) => {
    if (status === 'SUBSCRIBED') say(await read(OWNER_TOKEN));
    else console.error(status, error);
  });
