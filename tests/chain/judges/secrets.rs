//! Secrets, as AWS Secrets Manager keeps them. The embedded cloud has none: on this machine settings
//! are variables.

use aws::{Aws, SecretsManager};
use aws_sdk_secretsmanager::Client;
use ports::{Chain, SecretSource};
use serde_json::{Map, Value};
use stillmotion::home::REGION;
use testkit::conformance;

use crate::ministack::{Clients, Keys, SECRETS};

/// Asserts that secrets which root writes are read with `keys`, and no others.
pub(super) async fn are_read(endpoint: &str, keys: &Keys, root: &Keys) {
    let aws = Aws::at(endpoint, REGION, &keys.access, &keys.secret);
    let writer = Clients::at(endpoint, root).secrets;
    let name = format!("{SECRETS}providers");
    make_without_value(&writer, &name).await;

    let put = async |settings: &[(&str, &str)]| put(&writer, &name, settings).await;
    conformance::secret_source(&aws.secrets(vec![name.clone()]), put).await;

    let absent = format!("{SECRETS}absent");
    let told = refused(&aws.secrets(vec![name, absent.clone()])).await;
    assert!(told.starts_with(&format!("cannot read secret {absent}: ")), "{told}");
    assert!(told.contains("ResourceNotFoundException"), "{told}");
    if keys.access != root.access {
        writer.create_secret().name("theirs").secret_string("{}").send().await.expect("made");
        let told = refused(&aws.secrets(vec!["theirs".to_owned()])).await;
        assert!(told.contains("AccessDenied"), "{told}");
    }
}

/// A secret that no version of is current, as on AWS when it is made without a value.
async fn make_without_value(writer: &Client, name: &str) {
    let made = writer.create_secret().name(name).send().await.expect("made");
    if let Some(version) = made.version_id {
        let unstage = writer.update_secret_version_stage().secret_id(name);
        let unstage = unstage.version_stage("AWSCURRENT").remove_from_version_id(version);
        unstage.send().await.expect("without a current version");
    }
}

async fn put(writer: &Client, name: &str, settings: &[(&str, &str)]) {
    let setting = |(name, value): &(&str, &str)| ((*name).to_owned(), Value::from(*value));
    let text = Value::from(settings.iter().map(setting).collect::<Map<_, _>>()).to_string();
    let put = writer.put_secret_value().secret_id(name).secret_string(text);
    put.send().await.expect("put");
}

/// Why secrets cannot be read.
async fn refused(secrets: &SecretsManager) -> String {
    Chain(&secrets.fetch().await.expect_err("refused")).to_string()
}
