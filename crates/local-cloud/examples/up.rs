//! Starts a cloud from a wiring in a JSON file and tells where it answers and how fast it was ready.
//!
//! `cargo run --release -p local-cloud --example up -- wiring.json [data-folder] [port]`

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use local_cloud::{Cloud, CloudConfig, Wiring};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let wiring = arguments.next().ok_or("the first argument is the path of a wiring in JSON")?;
    let data = arguments.next().map_or_else(|| PathBuf::from("local-cloud-data"), PathBuf::from);
    let port = arguments.next().map_or(Ok(0), |port| port.parse())?;

    let started = Instant::now();
    let wiring: Wiring = serde_json::from_slice(&std::fs::read(wiring)?)?;
    let cloud = Cloud::start(CloudConfig {
        data,
        listen: ([127, 0, 0, 1], port).into(),
        region: "us-east-1".to_owned(),
        account: "000000000000".to_owned(),
        access_key: "local".to_owned(),
        secret_key: "local-secret".to_owned(),
        wiring,
    })
    .await?;
    println!("{} ready in {:.1} ms", cloud.endpoint(), started.elapsed().as_secs_f64() * 1000.0);

    tokio::signal::ctrl_c().await?;
    cloud.stop().await;
    Ok(())
}
