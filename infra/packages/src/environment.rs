//! What a function wants to find in its environment, with values that it can start with.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

/// The settings of every function, as `schemas/environment.json` lists them.
#[derive(Debug, Deserialize)]
pub(crate) struct Environments {
    functions: BTreeMap<String, Settings>,
}

#[derive(Debug, Deserialize)]
struct Settings {
    #[serde(default)]
    required: Vec<String>,
    #[serde(default)]
    secret: Vec<String>,
}

impl Environments {
    pub(crate) fn read(list: &Path) -> Result<Self, Box<dyn Error>> {
        let text = std::fs::read(list).map_err(|error| format!("{}: {error}", list.display()))?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// The variables of `function`, with AWS and everything else on `port` of loopback. Secrets are plain here, so that
    /// what is made of them is made, and nobody is asked for them.
    pub(crate) fn of(&self, function: &str, port: u16) -> BTreeMap<String, String> {
        let settings = self.functions.get(function);
        let names = settings.into_iter().flat_map(|each| each.required.iter().chain(&each.secret));
        let mut variables: BTreeMap<_, _> =
            names.map(|name| (name.clone(), value_of(name, port))).collect();
        let here = format!("127.0.0.1:{port}");
        for (name, value) in [
            ("AWS_LAMBDA_RUNTIME_API", here.clone()),
            ("AWS_ENDPOINT_URL", format!("http://{here}")),
            ("AWS_REGION", "eu-central-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("AWS_LAMBDA_FUNCTION_NAME", function.to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512".to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
        ] {
            variables.insert(name.to_owned(), value);
        }
        variables
    }
}

/// Something that can be read as the setting.
fn value_of(name: &str, port: u16) -> String {
    match name {
        "SUPABASE_URL" => format!("http://127.0.0.1:{port}"),
        "SUPABASE_SERVICE_KEY" => "sb_secret_0123456789abcdef0123456789abcdef".to_owned(),
        "REPLICATE_WEBHOOK_SECRET" => "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3".to_owned(),
        _ if name.ends_with("_URL") => format!("http://127.0.0.1:{port}/{name}"),
        _ if ["_SECS", "_BYTES", "_COUNT"].iter().any(|unit| name.ends_with(unit)) => {
            "3600".to_owned()
        }
        _ => format!("{name}-0123456789abcdef0123456789abcdef").to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_required_and_what_is_secret_is_set_and_what_is_optional_is_not() {
        let list = r#"{"functions": {"ltx": {"required": ["LTX_QUEUE_URL", "MAX_RECEIVE_COUNT"],
            "optional": ["CAP_DAY_USD"], "secret": ["FAL_KEY"]}}}"#;
        let environments: Environments = serde_json::from_str(list).expect("a list");

        let variables = environments.of("ltx", 9001);

        assert_eq!(variables["LTX_QUEUE_URL"], "http://127.0.0.1:9001/LTX_QUEUE_URL");
        assert_eq!(variables["MAX_RECEIVE_COUNT"], "3600");
        assert!(variables.contains_key("FAL_KEY") && !variables.contains_key("CAP_DAY_USD"));
        assert_eq!(variables["AWS_LAMBDA_RUNTIME_API"], "127.0.0.1:9001");
    }
}
