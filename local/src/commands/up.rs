//! `up`: the cloud and all functions, until somebody stops them.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use film::Ffmpeg;
use notify::{Endpoint, WebhookSecret};
use providers::CameraMove;
use render::FilmRenderer;

use super::{CommandError, DATA, interrupted};
use crate::chain::{self, Settings};
use crate::home::{ACCESS_KEY, Home, REGION, SECRET_KEY};
use crate::report::humane;

/// Options of `up`.
#[derive(Debug, Args)]
pub struct UpArgs {
    /// Folder that keeps everything.
    #[arg(long, default_value = DATA)]
    data: PathBuf,
    /// Port to answer at, on loopback.
    #[arg(long, default_value_t = 4700)]
    port: u16,
    /// Where to post signed webhooks.
    #[arg(long, requires = "webhook_secret")]
    webhook: Option<String>,
    /// What to sign them with: `whsec_` and base64.
    #[arg(long, env = "STILLMOTION_WEBHOOK_SECRET", hide_env_values = true)]
    webhook_secret: Option<String>,
    /// Origin whose pages may upload from a browser; may be repeated.
    #[arg(long = "cors-origin")]
    cors_origins: Vec<String>,
    /// Pause between sweeps, in seconds; those of the topology if it is not said.
    #[arg(long, hide = true)]
    sweep_every_secs: Option<u32>,
    /// How long nothing may happen before the sweep looks into it, in seconds.
    #[arg(long, hide = true)]
    nudge_after_secs: Option<u64>,
}

/// Runs the cloud and all functions until it is interrupted.
///
/// # Errors
/// One line that says what is missing.
pub async fn up(args: UpArgs) -> Result<(), CommandError> {
    let began = Instant::now();
    let ffmpeg = Ffmpeg::find()?;
    let mut home = Home::start(&args.data, Some(args.port), &args.cors_origins).await?;
    if let Some(secs) = args.sweep_every_secs {
        home.set_sweep_every(secs);
    }
    let work = home_work(&args.data)?;
    let settings = settings(&args, work)?;

    let generators = vec![CameraMove::new(ffmpeg.clone())];
    let pollers = chain::start(&home, &settings, generators, FilmRenderer::new(ffmpeg))?;
    announce(&home, &args, began.elapsed());

    interrupted().await;
    eprintln!("stopping");
    pollers.stop().await;
    home.stop().await;
    Ok(())
}

fn settings(args: &UpArgs, work: PathBuf) -> Result<Settings, CommandError> {
    let mut settings = Settings::new(work);
    if let (Some(url), Some(secret)) = (&args.webhook, &args.webhook_secret) {
        standardwebhooks::Webhook::new(secret)
            .map_err(|_| "the webhook secret should be whsec_ and base64")?;
        settings.endpoints.push(Endpoint {
            name: "command-line".to_owned(),
            url: url.clone(),
            secret: WebhookSecret::new(secret.clone()),
        });
    }
    if let Some(secs) = args.nudge_after_secs {
        settings.patience.nudge_after = Duration::from_secs(secs);
    }
    Ok(settings)
}

/// An empty folder for media on its way: what a killed run has left there is of no use.
fn home_work(data: &std::path::Path) -> Result<PathBuf, CommandError> {
    let work = data.join("work");
    if work.exists() {
        std::fs::remove_dir_all(&work)?;
    }
    std::fs::create_dir_all(&work)?;
    Ok(work)
}

fn announce(home: &Home, args: &UpArgs, took: Duration) {
    let endpoint = home.endpoint();
    let (bucket, data) = (home.bucket_name(), args.data.display());
    println!("stillmotion is up after {}", humane(took));
    println!();
    println!("  S3           {endpoint}   bucket {bucket}");
    println!("  SQS          {endpoint}");
    println!("  DynamoDB     {endpoint}");
    println!("  EventBridge  {endpoint}");
    println!("  data         {data}");
    println!();
    println!("  export AWS_ACCESS_KEY_ID={ACCESS_KEY} AWS_SECRET_ACCESS_KEY={SECRET_KEY}");
    println!("  export AWS_DEFAULT_REGION={REGION}");
    println!("  aws --endpoint-url {endpoint} s3 cp villa.jpg s3://{bucket}/uploads/villa.jpg");
    println!("  ./stillmotion jobs");
}
