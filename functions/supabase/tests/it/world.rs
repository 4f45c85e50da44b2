//! A project on Supabase, as far as it can be had here.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use domain::{Job, JobId};
use ports::{HandleRecord, Handled};
use serde_json::Value;
use supabase::{PostgRest, Project, Supabase};
use testkit::InMemoryJobs;

use crate::gateway::Gateway;
use crate::history::{History, Told};
use crate::installed;
use crate::keys::{JWT_SECRET, SECRET_KEY};
use crate::postgres::Postgres;
use crate::process::Process;

/// Longest time until `PostgREST` answers.
const PATIENCE: Duration = Duration::from_mins(1);

/// `PostgreSQL`, `PostgREST` and the gateway, until they are dropped.
#[derive(Debug)]
pub(crate) struct World {
    // In the order in which they end.
    pub(crate) gateway: Gateway,
    postgrest: Process,
    pub(crate) postgres: Postgres,
}

impl World {
    /// The one that the tests of this process share: it takes seconds to start.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<World>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            // Not in the runtime of a test: the gateway has its own.
            let started = std::thread::spawn(Self::start).join();
            let world = Arc::new(started.unwrap_or_else(|cause| std::panic::resume_unwind(cause)));
            *shared = Arc::downgrade(&world);
            world
        })
    }

    fn start() -> Self {
        let program = installed("STILLMOTION_POSTGREST");
        let postgres = Postgres::start();
        postgres.migrate();
        let port = free_port().to_string();
        let variables = [
            ("PGRST_DB_URI", &*postgres.uri()),
            ("PGRST_DB_SCHEMAS", "public"),
            ("PGRST_DB_ANON_ROLE", "anon"),
            ("PGRST_DB_POOL", "10"),
            ("PGRST_JWT_SECRET", JWT_SECRET),
            ("PGRST_SERVER_HOST", "127.0.0.1"),
            ("PGRST_SERVER_PORT", &*port),
        ];
        let log = postgres.log_of("postgrest");
        let program = [program.to_str().expect("UTF-8")];
        let postgrest = Process::start(None, "TERM", &program, &variables, &log);
        let started = Instant::now();
        while TcpStream::connect(format!("127.0.0.1:{port}")).is_err() {
            assert!(started.elapsed() < PATIENCE, "PostgREST: {}", postgrest.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        let gateway = Gateway::start(format!("http://127.0.0.1:{port}"));
        let world = Self { gateway, postgrest, postgres };
        world.wait(started);
        world
    }

    /// It listens before it has read the schema.
    fn wait(&self, started: Instant) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        while let Err(error) = runtime.block_on(self.table(SECRET_KEY, "videos").ping()) {
            assert!(started.elapsed() < PATIENCE, "{error}: {}", self.postgrest.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What the settings of a deployed function would say.
    pub(crate) fn table(&self, key: &str, table: &str) -> PostgRest {
        let project = Project::from_vars(|name| match name {
            "SUPABASE_URL" => Some(self.gateway.url()),
            "SUPABASE_SERVICE_KEY" => Some(key.to_owned()),
            "SUPABASE_TABLE" => Some(table.to_owned()),
            _ => None,
        });
        PostgRest::new(&project.expect("settings").expect("a project")).expect("a client")
    }

    /// The function, while `job` is as it is.
    pub(crate) fn supabase(&self, key: &str, job: &Job) -> Supabase<PostgRest, InMemoryJobs> {
        Supabase { rows: self.table(key, "videos"), jobs: InMemoryJobs::default().with(job) }
    }

    /// Delivers facts, each with the job as it is after all of its history.
    pub(crate) async fn deliver(&self, key: &str, history: &History, told: &[Told]) {
        let supabase = self.supabase(key, history.job());
        for Told { event, .. } in told {
            let handled = supabase.handle(event).await.expect("handled");
            assert_eq!(handled, Handled::Done);
        }
    }

    /// Delivers a history in order, each fact as soon as it has happened.
    pub(crate) async fn deliver_in_order(&self, key: &str, history: &History) {
        for Told { event, job } in history.sent() {
            self.supabase(key, &job).handle(&event).await.expect("handled");
        }
    }

    /// The row as the database has it.
    pub(crate) fn row(&self, job: JobId) -> Option<Value> {
        let row =
            self.postgres.sql(&format!("select row_to_json(v) from videos v where id = '{job}'"));
        (!row.is_empty()).then(|| serde_json::from_str(&row).expect("JSON"))
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("bound").port()
}
