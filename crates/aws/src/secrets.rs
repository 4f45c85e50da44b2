//! Settings in AWS Secrets Manager.

use std::collections::BTreeMap;
use std::error::Error;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::SdkError;
use aws_sdk_secretsmanager::operation::get_secret_value::{
    GetSecretValueError, GetSecretValueOutput,
};
use futures::FutureExt as _;
use futures::future::try_join_all;
use ports::{Chain, SecretError, SecretSource, Secrets, Source};

/// Secrets, each a JSON object from the name of a setting to its text.
///
/// Needs `secretsmanager:GetSecretValue` and `secretsmanager:DescribeSecret` on each of them.
#[derive(Clone, Debug)]
pub struct SecretsManager {
    client: Client,
    ids: Vec<String>,
}

/// What a secret holds: settings by name.
type Held = BTreeMap<String, String>;

impl SecretsManager {
    pub(crate) fn new(client: Client, ids: Vec<String>) -> Self {
        Self { client, ids }
    }

    async fn read(&self, id: &str) -> Result<Held, SecretError> {
        let failed = |source| SecretError { secret: id.to_owned(), source };
        match self.client.get_secret_value().secret_id(id).send().boxed().await {
            Ok(answer) => held(&answer).map_err(failed),
            // Said of a secret that is not there, and of one that has no value yet.
            Err(error) if is_not_found(&error) => {
                self.find(id).await.map_err(failed)?;
                Ok(Held::new())
            }
            Err(error) => Err(failed(told(&error))),
        }
    }

    /// Whether the secret is there.
    async fn find(&self, id: &str) -> Result<(), Source> {
        let answer = self.client.describe_secret().secret_id(id).send().boxed().await;
        answer.map(drop).map_err(|error| told(&error))
    }
}

impl SecretSource for SecretsManager {
    // Not BatchGetSecretValue: that can be allowed for all secrets of the account only.
    async fn fetch(&self) -> Result<Secrets, SecretError> {
        let held = try_join_all(self.ids.iter().map(|id| self.read(id))).await?;
        Ok(held.into_iter().flatten().collect())
    }
}

fn is_not_found(error: &SdkError<GetSecretValueError>) -> bool {
    error.as_service_error().is_some_and(GetSecretValueError::is_resource_not_found_exception)
}

/// The error in words alone: it holds the whole answer, which `Debug` would print.
fn told(error: &(dyn Error + 'static)) -> Source {
    Chain(error).to_string().into()
}

/// What the value of a secret says. Why it cannot be read is not told: the reader quotes the value.
fn held(answer: &GetSecretValueOutput) -> Result<Held, Source> {
    let read = |text| serde_json::from_str(text).ok();
    let held = match (answer.secret_string(), answer.secret_binary()) {
        (None, None) => Some(Held::new()),
        (text, _) => text.and_then(read),
    };
    held.ok_or_else(|| "it should be a JSON object from names of settings to texts".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_secretsmanager::error::ErrorMetadata;
    use aws_sdk_secretsmanager::operation::describe_secret::{
        DescribeSecretError, DescribeSecretOutput,
    };
    use aws_sdk_secretsmanager::primitives::Blob;
    use aws_sdk_secretsmanager::types::error::ResourceNotFoundException;
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

    const ID: &str = "stillmotion/dev/providers";

    /// A secret that holds `text`, and its name.
    fn holding(id: &'static str, text: &'static str) -> Rule {
        mock!(Client::get_secret_value)
            .match_requests(move |request| request.secret_id() == Some(id))
            .then_output(move || GetSecretValueOutput::builder().secret_string(text).build())
    }

    fn not_found() -> ResourceNotFoundException {
        ResourceNotFoundException::builder().message("can't find it").build()
    }

    fn without_value() -> Rule {
        mock!(Client::get_secret_value)
            .then_error(|| GetSecretValueError::ResourceNotFoundException(not_found()))
    }

    async fn fetched(ids: &[&str], rules: &[&Rule]) -> Result<Secrets, SecretError> {
        let client = mock_client!(aws_sdk_secretsmanager, RuleMode::MatchAny, rules);
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        SecretsManager::new(client, ids).fetch().await
    }

    /// What is told of the failure of the one secret.
    async fn told(rules: &[&Rule]) -> String {
        Chain(&fetched(&[ID], rules).await.expect_err("a failure")).to_string()
    }

    #[tokio::test]
    async fn what_all_secrets_hold_is_put_together() {
        let providers = holding(ID, r#"{"LTX_API_KEY":"k1","FAL_KEY":"k2"}"#);
        let tokens = holding("stillmotion/dev/tokens", r#"{"SUPABASE_JWT_SECRET":"s"}"#);

        let secrets = fetched(&[ID, "stillmotion/dev/tokens"], &[&providers, &tokens]).await;

        let secrets = secrets.expect("secrets");
        let lookup = secrets.over(|_| None);
        let found = ["LTX_API_KEY", "FAL_KEY", "SUPABASE_JWT_SECRET"].map(lookup);
        assert_eq!(found, ["k1", "k2", "s"].map(|value| Some(value.to_owned())));
    }

    #[tokio::test]
    async fn without_secrets_nobody_is_asked() {
        let providers = holding(ID, "{}");

        assert_eq!(fetched(&[], &[&providers]).await.expect("nothing"), Secrets::default());
        assert_eq!(providers.num_calls(), 0);
    }

    #[tokio::test]
    async fn a_secret_without_a_value_holds_nothing() {
        let value = without_value();
        let there = mock!(Client::describe_secret)
            .match_requests(|request| request.secret_id() == Some(ID))
            .then_output(|| DescribeSecretOutput::builder().name(ID).build());
        let empty = mock!(Client::get_secret_value)
            .then_output(|| GetSecretValueOutput::builder().name(ID).build());

        assert_eq!(fetched(&[ID], &[&value, &there]).await.expect("nothing"), Secrets::default());
        assert_eq!(fetched(&[ID], &[&empty]).await.expect("nothing"), Secrets::default());
    }

    #[tokio::test]
    async fn a_secret_that_is_not_there_is_an_error() {
        let value = without_value();
        let there = mock!(Client::describe_secret)
            .then_error(|| DescribeSecretError::ResourceNotFoundException(not_found()));

        let told = told(&[&value, &there]).await;

        assert!(told.starts_with("cannot read secret stillmotion/dev/providers: "), "{told}");
        assert!(told.contains("can't find it"), "{told}");
    }

    #[tokio::test]
    async fn a_secret_that_may_not_be_read_is_an_error() {
        let denied =
            || ErrorMetadata::builder().code("AccessDeniedException").message("not you").build();
        let value = mock!(Client::get_secret_value)
            .then_error(move || GetSecretValueError::generic(denied()));

        let told = told(&[&value]).await;

        assert!(told.contains("AccessDeniedException"), "{told}");
    }

    #[tokio::test]
    async fn an_answer_that_cannot_be_read_is_not_told() {
        let cut_off = mock!(Client::get_secret_value).then_http_response(|| {
            let body = String::from(r#"{"SecretString":"{\"LTX_API_KEY\":\"hunter2\"}","Name":"#);
            HttpResponse::new(200.try_into().expect("a status"), body.into())
        });

        let error = fetched(&[ID], &[&cut_off]).await.expect_err("a failure");

        assert!(!format!("{error:?} {}", Chain(&error)).contains("hunter2"), "{error:?}");
    }

    #[tokio::test]
    async fn a_value_that_holds_no_settings_is_named_and_not_told() {
        for text in
            ["hunter2", r#"["hunter2"]"#, r#"{"LTX_API_KEY":{"hunter2":1}}"#, r#"{"PIN":4711}"#, ""]
        {
            let told = told(&[&holding(ID, text)]).await;

            assert_eq!(
                told,
                "cannot read secret stillmotion/dev/providers: it should be a JSON object from names of \
                 settings to texts"
            );
        }
        let binary = mock!(Client::get_secret_value)
            .then_output(|| GetSecretValueOutput::builder().secret_binary(Blob::new("{}")).build());
        assert!(told(&[&binary]).await.contains("JSON object"));
    }
}
