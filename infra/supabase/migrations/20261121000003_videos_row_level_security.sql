-- Owners read their own rows; nobody but the service role, which row level security does not hold,
-- writes. There is no policy for insert, update or delete, and no right to any of them.
alter table public.videos enable row level security;

revoke all on public.videos from anon, authenticated;
grant select on public.videos to authenticated;
grant select, insert, update, delete on public.videos to service_role;

drop policy if exists "owners read their own videos" on public.videos;
create policy "owners read their own videos" on public.videos
    for select to authenticated
    -- In a subquery it is asked once for a statement, not once for a row.
    using ((select auth.uid()) = user_id);

create index if not exists videos_user_id on public.videos (user_id);
