//! `up`: the cloud and all functions, until somebody stops them.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use film::Ffmpeg;
use local_cloud::CloudError;
use notify::{Endpoint, WebhookSecret};

use super::{CommandError, DATA, interrupted};
use crate::chain::{self, Settings};
use crate::home::{ACCESS_KEY, Home, HomeError, REGION, SECRET_KEY};
use crate::report::humane;
use crate::{Door, Filming};

/// How long to wait for a folder that is in use.
const FOLDER_TIME: Duration = Duration::from_secs(2);

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
    let filming = Filming::from_env(&Ffmpeg::find()?)?;
    let sentence = filming.sentence();
    let mut home = start(&args).await?;
    if let Some(secs) = args.sweep_every_secs {
        home.set_sweep_every(secs);
    }
    let work = super::work_folder(&args.data)?;
    let mut settings = settings(&args, work)?;
    settings.policy = filming.policy;

    let door = super::door(&home, filming.verifiers).await?;
    let pollers = chain::start(&home, &settings, filming.crew)?;
    announce(&home, &args, began.elapsed(), &sentence, door.as_ref());

    interrupted().await;
    eprintln!("stopping");
    pollers.stop().await;
    home.stop().await;
    Ok(())
}

/// Starts the cloud. Of a run that was killed, a child may hold the folder until it has become
/// `ffmpeg`: that is over soon.
async fn start(args: &UpArgs) -> Result<Home, HomeError> {
    let began = Instant::now();
    loop {
        match Home::start(&args.data, Some(args.port), &args.cors_origins).await {
            Err(HomeError::Cloud(CloudError::Folder(_))) if began.elapsed() < FOLDER_TIME => {
                tokio::time::sleep(FOLDER_TIME / 20).await;
            }
            started => return started,
        }
    }
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

fn announce(home: &Home, args: &UpArgs, took: Duration, filming: &str, door: Option<&Door>) {
    let endpoint = home.endpoint();
    let (bucket, data) = (home.bucket_name(), args.data.display());
    println!("stillmotion is up after {}", humane(took));
    println!();
    println!("  S3           {endpoint}   bucket {bucket}");
    println!("  SQS          {endpoint}");
    println!("  DynamoDB     {endpoint}");
    println!("  EventBridge  {endpoint}");
    println!("  data         {data}");
    if let Some(address) = door.map(Door::address) {
        println!("  providers    may post to http://{address}");
    }
    println!();
    println!("  {filming}");
    println!();
    println!("  export AWS_ACCESS_KEY_ID={ACCESS_KEY} AWS_SECRET_ACCESS_KEY={SECRET_KEY}");
    println!("  export AWS_DEFAULT_REGION={REGION}");
    println!("  aws --endpoint-url {endpoint} s3 cp villa.jpg s3://{bucket}/uploads/villa.jpg");
    println!("  ./stillmotion jobs");
}
