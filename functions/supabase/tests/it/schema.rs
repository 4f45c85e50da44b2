//! What the migrations lead to, and what happens without them.

use std::time::Duration;

use ports::{Chain, HandleRecord as _};
use supabase::{RowsError, Supabase, SupabaseError};
use testkit::InMemoryJobs;

use crate::history::History;
use crate::keys::{SECRET_KEY, legacy};
use crate::postgres::migrations;
use crate::world::World;

#[test]
fn the_migrations_can_be_applied_again() {
    let world = World::shared();

    world.postgres.migrate();

    let policies = "select count(*) from pg_policies where tablename = 'videos'";
    let published = "select count(*) from pg_publication_tables
        where pubname = 'supabase_realtime' and tablename = 'videos'";
    assert_eq!(world.postgres.sql(policies), "1");
    assert_eq!(world.postgres.sql(published), "1");
}

#[test]
fn the_user_s_columns_stay_as_they_were() {
    let world = World::shared();
    let columns = "select string_agg(column_name || ' ' || data_type || ' ' || is_nullable, ', '
            order by ordinal_position)
        from information_schema.columns where table_name = 'videos'";

    assert_eq!(
        world.postgres.sql(columns),
        "id uuid NO, user_id uuid YES, property_id uuid YES, photo_url_s3 text NO, \
         ltx_video_url_s3 text YES, final_video_url_s3 text YES, status text YES, \
         created_at timestamp with time zone NO, updated_at timestamp with time zone NO, \
         event_seq bigint YES, poster_url_s3 text YES, failure_reason text YES, job_state text YES"
    );
}

#[tokio::test]
async fn a_table_without_our_columns_asks_for_the_migrations() {
    let world = World::shared();
    let bare = migrations()[0].replace("public.videos", "public.bare_videos");
    world.postgres.sql(&format!("{bare} notify pgrst, 'reload schema';"));
    let history = History::named("bare");
    let rows = world.table(SECRET_KEY, "bare_videos");
    let supabase = Supabase { rows, jobs: InMemoryJobs::default().with(history.job()) };
    let created = history.fact("JobCreated.v1");

    // Until PostgREST has read the schema again it knows no such table, which is the same fault.
    let mut told = String::new();
    for _ in 0..200 {
        let fault = supabase.handle(&created).await.expect_err("no columns");
        let is_schema = matches!(fault, SupabaseError::Rows { source: RowsError::Schema(_), .. });
        assert!(is_schema, "{fault:?}");
        told = Chain(&fault).to_string();
        if told.contains("PGRST204") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let pinged = supabase.rows.ping().await.expect_err("no columns").to_string();

    for told in [told, pinged] {
        assert!(
            told.to_lowercase().contains("column") && told.ends_with("infra/supabase/migrations"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn the_table_is_pinged_with_either_kind_of_key() {
    let world = World::shared();

    for key in [SECRET_KEY.to_owned(), legacy("service_role")] {
        world.table(&key, "videos").ping().await.expect("the table");
    }
    let fault = world.table(SECRET_KEY, "no_videos").ping().await.expect_err("no table");
    assert!(matches!(fault, RowsError::Schema(_)), "{fault}");
}
