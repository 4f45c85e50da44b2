-- The table that the rest of the business reads. Where it is there already, it stays as it is.
create table if not exists public.videos (
    id uuid primary key,
    user_id uuid,
    property_id uuid,
    photo_url_s3 text not null,
    ltx_video_url_s3 text,
    final_video_url_s3 text,
    status text check (status in ('pending', 'ltx_done', 'rendered', 'failed')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
