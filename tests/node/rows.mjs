// Reads and tries to write one row as its owner, as somebody else and as nobody; prints one line of JSON:
// {owner, somebodyElse, nobody, insert, update, upsert, delete: {status, code, rows}}.
import { randomUUID } from 'node:crypto';
import { client } from './client.mjs';

const { SUPABASE_URL, SUPABASE_KEY, OWNER_TOKEN, OTHER_TOKEN, JOB_ID } = process.env;
const videos = (token) => client(SUPABASE_URL, SUPABASE_KEY, token).from('videos');
const answer = async (request) => {
  const { status, error, data } = await request;
  return { status, code: error?.code ?? null, rows: data ?? null };
};
const mine = videos(OWNER_TOKEN);
const photo = { photo_url_s3: 's3://media/photos/mine.jpg' };

console.log(JSON.stringify({
  owner: await answer(mine.select().eq('id', JOB_ID)),
  somebodyElse: await answer(videos(OTHER_TOKEN).select().eq('id', JOB_ID)),
  nobody: await answer(videos().select().eq('id', JOB_ID)),
  insert: await answer(mine.insert({ id: randomUUID(), ...photo })),
  update: await answer(mine.update({ status: 'rendered' }).eq('id', JOB_ID)),
  upsert: await answer(mine.upsert({ id: JOB_ID, ...photo })),
  delete: await answer(mine.delete().eq('id', JOB_ID)),
}));
