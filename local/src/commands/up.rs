//! `up`: the cloud and all functions, until somebody stops them.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use api::{DEVELOPER, Origin};
use clap::Args;
use film::Ffmpeg;
use guard::Guard;
use local_cloud::CloudError;
use ports::{InvalidSetting, WebhookSecret, environment};
use supabase::Project;

use super::{CommandError, DATA, interrupted};
use crate::chain::{self, Settings};
use crate::home::{ACCESS_KEY, Home, HomeError, REGION, SECRET_KEY};
use crate::report::humane;
use crate::topology::Topology;
use crate::{Door, Filming, Front, FrontConfig};

/// How long to wait for a folder that is in use.
const FOLDER_TIME: Duration = Duration::from_secs(2);

/// The endpoint that is named on the command line.
const ENDPOINT: &str = "command-line";

/// Options of `up`.
#[derive(Debug, Args)]
pub struct UpArgs {
    /// Folder that keeps everything.
    #[arg(long, default_value = DATA)]
    data: PathBuf,
    /// Port to answer at, on loopback.
    #[arg(long, default_value_t = 4700)]
    port: u16,
    /// Port at which the API answers, on loopback.
    #[arg(long, default_value_t = 4701)]
    api_port: u16,
    /// Address at which the API answers, instead: another than loopback only if it can know who calls.
    #[arg(long, value_name = "ADDRESS:PORT", conflicts_with = "api_port")]
    listen: Option<SocketAddr>,
    /// Where to post signed webhooks.
    #[arg(long, requires = "webhook_secret")]
    webhook: Option<String>,
    /// What to sign them with: `whsec_` and base64.
    #[arg(long, env = "STILLMOTION_WEBHOOK_SECRET", hide_env_values = true)]
    webhook_secret: Option<String>,
    /// Origin whose pages may call the API and upload from a browser; may be repeated.
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
    let cors_origins = origins(&args.cors_origins)?;
    let filming = Filming::from_env(&Ffmpeg::find()?)?;
    let sentence = filming.sentence();
    let supabase = project()?;
    let mut home = start(&args, supabase.is_some()).await?;
    if let Some(secs) = args.sweep_every_secs {
        home.set_sweep_every(secs);
    }
    let work = super::work_folder(&args.data)?;
    let front = FrontConfig {
        listen: args.listen.unwrap_or((Ipv4Addr::LOCALHOST, args.api_port).into()),
        cors_origins,
        project: supabase.clone(),
        work: work.clone(),
    };
    let mut settings = settings(&args, work);
    if !front.listen.ip().is_loopback() {
        // Others may name addresses then.
        settings.guard = Guard::STRICT;
    }
    settings.policy = filming.policy;
    settings.supabase = supabase;

    let front = Front::open(&home, front, environment).await?;
    let door = super::door(&home, filming.verifiers).await?;
    register_webhook(&home, &args).await?;
    let pollers = chain::start(&home, &settings, filming.crew)?;
    announce(&home, &args, began.elapsed(), &sentence, (&front, door.as_ref()));

    interrupted().await;
    eprintln!("stopping");
    front.close().await;
    pollers.stop().await;
    home.stop().await;
    Ok(())
}

/// The project whose rows are kept, if the environment names one. Its address alone is about who may
/// call.
fn project() -> Result<Option<Project>, InvalidSetting> {
    if environment("SUPABASE_SERVICE_KEY").is_none() {
        return Ok(None);
    }
    Project::from_vars(environment)
}

/// Starts the cloud. Of a run that was killed, a child may hold the folder until it has become
/// `ffmpeg`: that is over soon.
async fn start(args: &UpArgs, tells_supabase: bool) -> Result<Home, HomeError> {
    let began = Instant::now();
    let (port, origins) = (Some(args.port), &args.cors_origins);
    loop {
        let started = if tells_supabase {
            Home::start_wired(Topology::built_in(), &args.data, port, origins).await
        } else {
            Home::start(&args.data, port, origins).await
        };
        match started {
            Err(HomeError::Cloud(CloudError::Folder(_))) if began.elapsed() < FOLDER_TIME => {
                tokio::time::sleep(FOLDER_TIME / 20).await;
            }
            started => return started,
        }
    }
}

fn settings(args: &UpArgs, work: PathBuf) -> Settings {
    let mut settings = Settings::new(work);
    if let Some(secs) = args.nudge_after_secs {
        settings.patience.nudge_after = Duration::from_secs(secs);
    }
    settings
}

/// The endpoint of this command line, and of no earlier one.
async fn register_webhook(home: &Home, args: &UpArgs) -> Result<(), CommandError> {
    chain::unregister(home, super::make::ENDPOINT).await?;
    let (Some(url), Some(secret)) = (&args.webhook, &args.webhook_secret) else {
        return Ok(chain::unregister(home, ENDPOINT).await?);
    };
    standardwebhooks::Webhook::new(secret)
        .map_err(|_| "the webhook secret should be whsec_ and base64")?;
    let secret = WebhookSecret::new(secret.clone());
    Ok(chain::register(home, ENDPOINT, url, &secret).await?)
}

/// Origins as the API wants them. It takes no `*`, which is for the bucket alone: where nobody has to say
/// who they are, every page could act for whoever sits here.
fn origins(named: &[String]) -> Result<Vec<Origin>, CommandError> {
    let read = |text: &String| {
        let wrong = || format!("--cors-origin should be {}, not {text:?}", Origin::EXPECTED);
        Origin::parse(text).ok_or_else(|| wrong().into())
    };
    named.iter().filter(|text| *text != "*").map(read).collect()
}

fn announce(
    home: &Home,
    args: &UpArgs,
    took: Duration,
    filming: &str,
    (front, door): (&Front, Option<&Door>),
) {
    let endpoint = home.endpoint();
    let (bucket, data) = (home.bucket_name(), args.data.display());
    println!("stillmotion is up after {}", humane(took));
    println!();
    println!("  API          http://{}   /docs", front.address());
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
    if front.is_for_developer() {
        println!(
            "  no key is configured: requests to the API without a token act as user {DEVELOPER}"
        );
    }
    println!();
    println!("  export AWS_ACCESS_KEY_ID={ACCESS_KEY} AWS_SECRET_ACCESS_KEY={SECRET_KEY}");
    println!("  export AWS_DEFAULT_REGION={REGION}");
    println!("  aws --endpoint-url {endpoint} s3 cp villa.jpg s3://{bucket}/uploads/villa.jpg");
    println!("  ./stillmotion jobs");
}
