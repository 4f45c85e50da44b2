// From a photo to a video, in a browser, with nothing but fetch: the README shows a part of this file.

// Where there are tokens: headers.authorization = `Bearer ${session.access_token}`.
export async function call(method, url, body) {
  const headers = body ? { 'content-type': 'application/json' } : {};
  const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.detail);
  return said;
}

// Announces the photo and uploads it, straight to the bucket; the job goes on by itself.
export async function upload(api, photo, wishes) {
  const digest = await crypto.subtle.digest('SHA-256', await photo.arrayBuffer());
  const sha256 = btoa(String.fromCharCode(...new Uint8Array(digest)));
  const file = { fileName: photo.name, contentType: photo.type, sizeBytes: photo.size, sha256 };
  const intent = await call('POST', `${api}/api/media/upload-intent`, { ...file, ...wishes });
  const { url, method, headers } = intent.upload;
  const stored = await fetch(url, { method, headers, body: photo });
  if (!stored.ok) throw new Error(`the bucket did not take the photo: ${stored.status}`);
  return intent.jobId;
}

// Tells every event of the job behind the one numbered `after`. The browser connects again by itself,
// behind the newest event it has seen.
export async function follow(api, jobId, after, tell) {
  const { url } = await call('POST', `${api}/api/jobs/${jobId}/events-ticket`);
  const events = new EventSource(`${api}${url}&after=${after}`);
  events.onmessage = ({ data }) => tell(JSON.parse(data));
  return new Promise((ended) => {
    events.addEventListener('end', () => { events.close(); ended(); });
    // Nothing is new (204), or the ticket is too old: look at the job.
    events.onerror = () => { if (events.readyState === EventSource.CLOSED) ended(); };
  });
}
