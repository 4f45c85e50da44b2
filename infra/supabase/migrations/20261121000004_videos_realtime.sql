-- Whoever subscribes hears of every change of a row that row level security lets them read. Supabase applies
-- none to DELETE: whoever subscribes to those sees the ids of all rows that are removed, and nothing else.
do $$
begin
    if not exists (select from pg_publication where pubname = 'supabase_realtime') then
        create publication supabase_realtime;
    end if;
    if not exists (
        select from pg_publication_tables
        where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = 'videos'
    ) then
        alter publication supabase_realtime add table public.videos;
    end if;
end
$$;
