//! The calls behind their door, as the settings open it.

use std::sync::Arc;
use std::time::Duration;

use api::{Api, Config, Door, ServiceKeys, TokenConfig, router};
use axum::Router;
use ports::Source;

use crate::adapters::{OnAws, dependencies};

/// How long a call may take to begin its answer: less than the gateway waits.
const TIME_LIMIT: Duration = Duration::from_secs(27);

/// What answers requests. Its limits and what it remembers of keys begin anew with each.
pub(crate) struct Front {
    pub(crate) router: Router,
    /// Whether any token of a user is.
    pub(crate) believes_tokens: bool,
}

impl Front {
    /// What `lookup` says of tokens may be secret, so it is not in `config`.
    pub(crate) fn new(
        api: &Arc<Api<OnAws>>,
        config: &Config,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Source> {
        let tokens = TokenConfig::from_vars(lookup)?;
        let door = Door {
            tokens: tokens.as_ref().map(TokenConfig::verifier).transpose()?,
            service_keys: ServiceKeys::default(),
            development: None,
            cors_origins: config.cors_origins.clone(),
            is_behind_tls: config.is_behind_tls,
            limits: config.limits.limits(),
            dependencies: dependencies(api, tokens.as_ref())?,
            time_limit: TIME_LIMIT,
        };
        Ok(Self { router: router(api.clone(), door), believes_tokens: tokens.is_some() })
    }
}
