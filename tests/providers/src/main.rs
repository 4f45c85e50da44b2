//! Plays the providers until Ctrl-C, for a person at a terminal.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Parser;
use fake_providers::{Fake, Name, sample_clip};

/// Image-to-video providers on loopback. They charge nothing.
#[derive(Debug, Parser)]
#[command(name = "fake-providers")]
struct Arguments {
    /// Port of loopback; 0 is a free one.
    #[arg(long, default_value_t = 4800)]
    port: u16,
    /// The MP4 that every order yields; without it, a test pattern of 6 s.
    #[arg(long)]
    clip: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let clip = match &arguments.clip {
        Some(path) => tokio::fs::read(path).await?,
        None => sample_clip(6, 1280, 720).await?,
    };
    let addr: SocketAddr = (Ipv4Addr::LOCALHOST, arguments.port).into();
    let fake = Fake::start_on(addr, clip).await?;

    println!("{}", exports(&fake));
    tokio::signal::ctrl_c().await?;
    fake.stop().await;
    Ok(())
}

/// What to tell a shell.
fn exports(fake: &Fake) -> String {
    let keys = [
        (Name::Ltx, "LTX_API_KEY", "LTX_BASE_URL"),
        (Name::Runway, "RUNWAYML_API_SECRET", "RUNWAYML_BASE_URL"),
        (Name::Replicate, "REPLICATE_API_TOKEN", "REPLICATE_BASE_URL"),
        (Name::Fal, "FAL_KEY", "FAL_BASE_URL"),
    ]
    .map(|(name, key, base)| format!("export {key}={} {base}={}", name.key(), fake.base(name)));
    let more = [
        format!("export REPLICATE_WEBHOOK_SECRET={}", fake.webhook_secret()),
        format!("export FAL_REST_URL={}", fake.rest_base()),
    ];
    [keys.as_slice(), &more].concat().join("\n")
}
