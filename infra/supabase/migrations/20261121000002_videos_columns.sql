-- What the function `supabase` keeps beside the status. Nullable: rows of others do without.
alter table public.videos add column if not exists event_seq bigint;
alter table public.videos add column if not exists poster_url_s3 text;
alter table public.videos add column if not exists failure_reason text;
alter table public.videos add column if not exists job_state text;

comment on column public.videos.event_seq is 'number of the newest fact that changed the row';
comment on column public.videos.poster_url_s3 is 'the picture that stands for the video: s3://bucket/key';
comment on column public.videos.failure_reason is 'why there is no video, in one sentence for its owner';
comment on column public.videos.job_state is 'the state of the job, finer than status';

-- Without it PostgREST knows the columns only after its next start.
notify pgrst, 'reload schema';
