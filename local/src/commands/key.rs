//! `key`: keys with which servers call the API.

use std::iter;

use api::{FoundKey, KeyName, create_service_key, list_service_keys, revoke_service_key};
use clap::{Args, Subcommand};
use events::rfc3339;
use ports::{Clock, SystemClock};
use serde_json::json;

use super::{CommandError, Where};
use crate::Home;
use crate::report::table;

/// Options of `key`.
#[derive(Debug, Args)]
pub struct KeyArgs {
    #[command(subcommand)]
    what: What,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    at: Where,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Makes a key and prints it, once: only its hash is kept.
    Create {
        /// Who will have it: 1 to 32 of a-z, 0-9 and -.
        name: String,
    },
    /// Revokes a key: within a minute nobody gets in with it.
    Revoke {
        /// Who has it.
        name: String,
    },
    /// Lists the keys that are good.
    List,
}

/// Makes, revokes or lists keys.
///
/// # Errors
/// One line that says what is wrong with the name, or that there is no such key.
pub async fn key(args: KeyArgs) -> Result<(), CommandError> {
    // A key may be wanted before anything was started.
    let home = args.at.look_or_start().await?;
    let told = run(&home, &args).await;
    home.stop().await;
    println!("{}", told?);
    Ok(())
}

async fn run(home: &Home, args: &KeyArgs) -> Result<String, CommandError> {
    let (registers, now) = (home.registers(), SystemClock.now());
    match &args.what {
        What::Create { name } => {
            let key = create_service_key(KeyName::parse(name)?, &registers, now).await?;
            let key = key.expose();
            Ok(if args.json { json!({ "name": name, "key": key }).to_string() } else { key.into() })
        }
        What::Revoke { name } => {
            revoke_service_key(&KeyName::parse(name)?, &registers, now).await?;
            let told = json!({ "name": name, "revoked": true });
            Ok(if args.json { told.to_string() } else { format!("{name} is revoked") })
        }
        What::List => {
            let keys = list_service_keys(&registers, now).await?;
            Ok(if args.json { as_json(&keys) } else { as_table(&keys) })
        }
    }
}

fn as_json(keys: &[FoundKey]) -> String {
    let key = |key: &FoundKey| json!({ "name": key.name, "createdAt": rfc3339(key.created_at) });
    json!({ "keys": keys.iter().map(key).collect::<Vec<_>>() }).to_string()
}

fn as_table(keys: &[FoundKey]) -> String {
    let row = |key: &FoundKey| vec![key.name.as_str().to_owned(), rfc3339(key.created_at)];
    let heading = vec!["name".to_owned(), "since".to_owned()];
    table(&iter::once(heading).chain(keys.iter().map(row)).collect::<Vec<_>>())
}
