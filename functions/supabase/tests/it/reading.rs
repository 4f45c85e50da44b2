//! The row as the frontend reads it: with supabase-js, as its owner, as somebody else, as nobody.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use domain::JobState;
use ports::HandleRecord as _;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::history::{History, OWNER, Told};
use crate::installed;
use crate::keys::{PUBLISHABLE_KEY, SECRET_KEY, legacy, of_user};
use crate::world::World;

/// Somebody who asked for nothing.
const SOMEBODY_ELSE: &str = "7d444840-9dc0-11d1-b245-5ffdce74fad2";
/// Longest time until a script says something.
const PATIENCE: Duration = Duration::from_secs(30);

/// A script of `tests/node`, which says a line of JSON at a time.
struct Script {
    lines: Lines<BufReader<ChildStdout>>,
    // Ends when it is dropped.
    _process: Child,
}

impl Script {
    fn start(name: &str, world: &World, key: &str, history: &History) -> Self {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/node");
        let mut process = Command::new("node")
            .arg(scripts.join(name))
            .env("STILLMOTION_NODE_MODULES", installed("STILLMOTION_NODE_MODULES"))
            .env("SUPABASE_URL", world.gateway.url())
            .env("SUPABASE_KEY", key)
            .env("OWNER_TOKEN", of_user(OWNER))
            .env("OTHER_TOKEN", of_user(SOMEBODY_ELSE))
            .env("JOB_ID", history.id().to_string())
            // It ends with its input, should the tests end in a way that drops nothing.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node");
        let stdout = process.stdout.take().expect("piped");
        Self { lines: BufReader::new(stdout).lines(), _process: process }
    }

    async fn says(&mut self) -> Value {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
        let line = line.expect("in time").expect("UTF-8").expect("another line");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"))
    }
}

#[tokio::test]
async fn owners_read_their_own_rows_and_write_none() {
    let world = World::shared();

    for (name, key) in [("read-new", PUBLISHABLE_KEY.to_owned()), ("read-old", legacy("anon"))] {
        let history = History::named(name).on_to(JobState::Rendered);
        world.deliver_in_order(SECRET_KEY, &history).await;
        let before = world.row(history.id()).expect("a row");

        let said = Script::start("rows.mjs", &world, &key, &history).says().await;

        assert_eq!(said["owner"]["rows"], json!([before]), "{said}");
        assert_eq!(said["somebodyElse"], json!({ "status": 200, "code": null, "rows": [] }));
        assert_eq!(said["nobody"], json!({ "status": 401, "code": "42501", "rows": null }));
        for write in ["insert", "update", "upsert", "delete"] {
            assert_eq!(said[write], json!({ "status": 403, "code": "42501", "rows": null }));
        }
        assert_eq!(world.row(history.id()), Some(before));
    }
}

#[tokio::test]
async fn a_subscriber_sees_the_row_pass_from_status_to_status() {
    let world = World::shared();
    let history = History::named("subscribed").on_to(JobState::Rendered);
    let facts = history.sent();
    let (first, rest) = facts.split_at(2);
    world.deliver(SECRET_KEY, &history, first).await;

    let mut script = Script::start("realtime.mjs", &world, PUBLISHABLE_KEY, &history);
    let mut seen = vec![script.says().await];
    for Told { event, job } in rest {
        world.supabase(SECRET_KEY, job).handle(event).await.expect("handled");
        seen.push(script.says().await);
    }

    let id = history.id();
    let statuses: Vec<_> = seen.iter().map(|row| row["status"].as_str()).collect();
    assert_eq!(statuses, [Some("pending"), Some("ltx_done"), Some("rendered")]);
    assert_eq!(seen[2]["final_video_url_s3"], format!("s3://media/renders/{id}/out.mp4"));
}
