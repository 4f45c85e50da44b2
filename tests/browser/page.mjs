// The page: shows every event once, whatever happens to the connection or to the page itself.

import { call, follow, upload } from './upload.mjs';

const api = new URLSearchParams(location.search).get('api') ?? 'http://127.0.0.1:4701';
const ENDS = ['rendered', 'failed', 'cancelled', 'expired'];
const at = (id) => document.getElementById(id);

function show({ seq, type, state }) {
  const item = document.createElement('li');
  Object.assign(item.dataset, { seq, type, state });
  item.textContent = `${type}: ${state}`;
  at('events').append(item);
}

// What a reload must not lose.
const seen = JSON.parse(sessionStorage.getItem('seen') ?? '[]');
function tell(event) {
  seen.push(event);
  sessionStorage.setItem('seen', JSON.stringify(seen));
  show(event);
}

async function watch(jobId) {
  let job;
  do {
    await follow(api, jobId, seen.at(-1)?.seq ?? 0, tell);
    job = await call('GET', `${api}/api/jobs/${jobId}`);
  } while (!ENDS.includes(job.state));
  if (!job.media.video) throw new Error(job.failure?.reason ?? `the job is ${job.state}`);
  at('video').src = job.media.video.url;
  await at('video').play();
}

const problem = (error) => { at('problem').textContent = `${error.name}: ${error.message}`; };

at('make').onclick = async () => {
  try {
    const wishes = { title: at('title').value, options: { duration: 4, resolution: '1280x720' } };
    const jobId = await upload(api, at('photo').files[0], wishes);
    sessionStorage.setItem('job', jobId);
    await watch(jobId);
  } catch (error) {
    problem(error);
  }
};

seen.forEach(show);
if (sessionStorage.getItem('job')) watch(sessionStorage.getItem('job')).catch(problem);
