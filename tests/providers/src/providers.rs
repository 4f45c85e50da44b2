//! What the providers share: their address, the clip, their secrets and their books.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::books::Books;
use crate::fal::Signer;
use crate::media::Links;
use crate::media::file::{Content, File};
use crate::name::Name;
use crate::switches::Download;

/// How long a receiver of webhooks may take to answer.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(15);

/// What the providers share.
#[derive(Debug)]
pub(crate) struct Providers {
    pub(crate) root: String,
    pub(crate) clip: File,
    pub(crate) links: Links,
    /// Signs webhooks of Replicate.
    pub(crate) webhook_secret: String,
    /// Signs webhooks of fal.
    pub(crate) signer: Signer,
    pub(crate) http: reqwest::Client,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    books: [Mutex<Books>; 4],
}

impl Providers {
    pub(crate) fn new(addr: SocketAddr, clip: Vec<u8>) -> std::io::Result<Arc<Self>> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(WEBHOOK_TIMEOUT)
            .build()
            .map_err(std::io::Error::other)?;
        let root = format!("http://{addr}");
        Ok(Arc::new(Self {
            links: Links::new(&root, random()?),
            root,
            clip: File::new(Content::Clip(Bytes::from(clip))),
            webhook_secret: format!("whsec_{}", STANDARD.encode(random()?)),
            signer: Signer::new(&random()?)?,
            http,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            books: Name::ALL.map(|name| Mutex::new(Books::new(name))),
        }))
    }

    pub(crate) fn books(&self, name: Name) -> MutexGuard<'_, Books> {
        self.books[name as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a key is shown that it accepts.
    pub(crate) fn admits(&self, name: Name, headers: &HeaderMap) -> bool {
        name.admits(headers, &self.books(name).switches.keys)
    }

    /// What the URLs of its API begin with.
    pub(crate) fn base(&self, name: Name) -> String {
        format!("{}{}", self.root, name.prefix())
    }

    /// A URL of the clip of an order that nobody was given before.
    pub(crate) fn result_url(&self, name: Name, id: &str) -> String {
        let mut books = self.books(name);
        let entry = books.entries.iter_mut().find(|entry| entry.order.id == id);
        let number = entry.map_or(0, |entry| {
            entry.urls += 1;
            entry.urls
        });
        self.links.result(name, id, number)
    }

    /// The file that orders yield, as the switches have it.
    pub(crate) fn file(&self, name: Name) -> File {
        match self.books(name).switches.download {
            Download::Sized(size_bytes) => File::new(Content::Sized(size_bytes)),
            _ => self.clip.clone(),
        }
    }

    /// Does this until all stops.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(work));
    }
}

/// The moment of this request.
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

fn random() -> std::io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| std::io::Error::other("the system has no random numbers"))?;
    Ok(bytes)
}
