//! n8n runs the workflow for signed webhooks, where it is installed: at `STILLMOTION_N8N`, or as `n8n`
//! on the path.
//!
//! Written where there was no n8n: everything up to n8n was tried, on a program in its place, and the
//! run in it was not. Source of the commands and settings: n8n 2.x, `packages/cli/src/commands` and
//! `packages/@n8n/config`.

use std::fs::File;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use deliver::HttpSender;
use guard::Guard;
use ports::{Clock as _, SystemClock, WebhookRequest, WebhookSender as _};
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::n8n::{WEBHOOK, workflow};
use crate::receiver::Received;
use crate::workflow::{NEW, told};

/// n8n takes about a quarter of a minute to start.
const PATIENCE: Duration = Duration::from_mins(3);
const PAUSE: Duration = Duration::from_millis(200);
const ID: &str = "stillmotionwebhk";

fn installed() -> Option<PathBuf> {
    let named = std::env::var_os("STILLMOTION_N8N").filter(|path| !path.is_empty());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = || std::env::split_paths(&path).map(|at| at.join("n8n")).find(|at| at.is_file());
    named.map(PathBuf::from).or_else(found)
}

/// A program and whatever it started, killed when it is dropped.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        Self(command.process_group(0).spawn().expect("n8n runs"))
    }

    async fn end(mut self) -> ExitStatus {
        loop {
            if let Some(status) = self.0.try_wait().expect("a child") {
                return status;
            }
            sleep(PAUSE).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.0.wait();
    }
}

/// n8n with a folder of its own, at ports of its own.
struct N8n {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    port_for_code: u16,
}

impl N8n {
    fn new(program: PathBuf) -> Self {
        let folder = format!("n8n-{}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        let free = || TcpListener::bind("127.0.0.1:0").expect("a port");
        // Both held at once, so that they differ.
        let (http, code) = (free(), free());
        let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
        Self { program, folder, port: port(&http), port_for_code: port(&code) }
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let log = File::options().create(true).append(true).open(self.log()).expect("a log");
        let mut command = Command::new(&self.program);
        // Nothing of somebody's own n8n gets in, its database least of all.
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
            .args(arguments)
            .env("HOME", &self.folder)
            .env("N8N_USER_FOLDER", &self.folder)
            .env("N8N_LISTEN_ADDRESS", "127.0.0.1")
            .env("N8N_PORT", self.port.to_string())
            .env("N8N_RUNNERS_BROKER_PORT", self.port_for_code.to_string())
            .env("N8N_DIAGNOSTICS_ENABLED", "false")
            .env("N8N_VERSION_NOTIFICATIONS_ENABLED", "false")
            .env("N8N_TEMPLATES_ENABLED", "false")
            .env("NODE_FUNCTION_ALLOW_BUILTIN", "crypto")
            .env("N8N_BLOCK_ENV_ACCESS_IN_NODE", "false")
            .env("STILLMOTION_WEBHOOK_SECRET", NEW)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log);
        command
    }

    async fn runs(&self, arguments: &[&str]) -> bool {
        Running::start(&mut self.command(arguments)).end().await.success()
    }

    /// Imports the workflow and has it answer from the next start on.
    async fn publish(&self) {
        let mut workflow = workflow(WEBHOOK);
        workflow["id"] = json!(ID);
        let path = self.folder.join("workflow.json");
        std::fs::write(&path, json!([workflow]).to_string()).expect("written");
        let id = format!("--id={ID}");

        assert!(self.runs(&["import:workflow", &format!("--input={}", path.display())]).await);
        // Before 2.0 it was called so.
        let published = self.runs(&["publish:workflow", &id]).await
            || self.runs(&["update:workflow", &id, "--active=true"]).await;
        assert!(published);
    }

    /// The status it answers with, once it knows the workflow.
    async fn answer(&self, received: &Received) -> u16 {
        let names = ["content-type", "webhook-id", "webhook-timestamp", "webhook-signature"];
        let header = |name| (name, received.headers[name].to_str().expect("text").to_owned());
        let request = WebhookRequest {
            url: format!("http://127.0.0.1:{}/webhook/stillmotion", self.port),
            headers: names.map(header).to_vec(),
            body: received.body.to_vec(),
        };
        let sender = HttpSender::new(Guard::with_loopback()).expect("a sender");
        loop {
            match sender.post(&request).await {
                // It starts: nobody listens, or the workflow is not there yet.
                Err(_) => {}
                Ok(answer) if matches!(answer.status, 404 | 503) => {}
                Ok(answer) => return answer.status,
            }
            sleep(PAUSE).await;
        }
    }
}

impl Drop for N8n {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.log()).unwrap_or_default();
            let from = log.floor_char_boundary(log.len().saturating_sub(4000));
            println!("n8n said: {}", &log[from..]);
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test]
async fn n8n_takes_what_is_signed_and_refuses_what_is_not() {
    let Some(program) = installed() else {
        println!("n8n is not installed: the workflow was not run in it");
        return;
    };
    let n8n = N8n::new(program);

    let answers = timeout(PATIENCE, async {
        n8n.publish().await;
        let _running = Running::start(&mut n8n.command(&["start"]));
        let genuine = told(1, "Rendered.v1", SystemClock.now()).await;
        let body = [&genuine.body[..], b" "].concat().into();
        let tampered = Received { body, ..genuine.clone() };
        [n8n.answer(&tampered).await, n8n.answer(&genuine).await, n8n.answer(&genuine).await]
    });

    assert_eq!(answers.await.expect("within three minutes"), [401, 200, 200]);
}
