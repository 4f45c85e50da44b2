//! Endpoints that are told nothing any more.

use std::time::Duration;

use domain::Timestamp;
use events::WebhookEndpointDisabled;
use ports::{Disabled, Endpoint, Endpoints, EventPublisher, Metric, Registers, Replaced};

use crate::DeliverError;
use crate::gate::Gate;

/// How long every attempt has to have failed before an endpoint is disabled.
pub(crate) const DISABLED_AFTER: Duration = Duration::from_hours(5 * 24);

/// How often an endpoint is written when others write it at the same time.
const TRIES: usize = 8;

/// Disables endpoints, and announces it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Disabling<'a, E, R, B> {
    /// Who asked to be told.
    pub(crate) endpoints: &'a E,
    /// How receivers have been answering.
    pub(crate) gate: Gate<'a, R>,
    /// Where it is announced.
    pub(crate) bus: &'a B,
    /// Since when.
    pub(crate) now: Timestamp,
}

impl<E: Endpoints, R: Registers, B: EventPublisher> Disabling<'_, E, R, B> {
    /// Disables `endpoint`, unless it posts elsewhere by now or is disabled already.
    pub(crate) async fn disable(
        &self,
        endpoint: &Endpoint,
        reason: &str,
    ) -> Result<(), DeliverError> {
        let mut there = endpoint.clone();
        for _ in 0..TRIES {
            if there.disabled.is_some() || there.url != endpoint.url {
                return self.make_known(&there).await;
            }
            let disabled = Disabled { at: self.now, reason: reason.to_owned(), announced: false };
            let after = Endpoint { disabled: Some(disabled), ..there.clone() };
            if self.endpoints.write(Some(&there), &after).await? == Replaced::Done {
                Metric::EndpointsDisabled.count();
                return self.make_known(&after).await;
            }
            let owner = endpoint.owner.as_deref();
            let Some(changed) = self.endpoints.get(owner, &endpoint.id).await? else {
                return Ok(());
            };
            there = changed;
        }
        // It still does not answer: the next attempt to tell it disables it.
        Ok(())
    }

    /// Announces that an endpoint is disabled, if that is not known yet: whoever disabled it may have
    /// died.
    pub(crate) async fn make_known(&self, endpoint: &Endpoint) -> Result<(), DeliverError> {
        let Some(disabled) = endpoint.disabled.as_ref().filter(|disabled| !disabled.announced)
        else {
            return Ok(());
        };
        self.gate.forget(&endpoint.id, self.now).await?;
        let owner = endpoint.owner.as_deref();
        let (id, at, reason) = (&endpoint.id, disabled.at, &disabled.reason);
        self.bus.announce(&WebhookEndpointDisabled::announce(id, owner, at, reason)).await?;

        let disabled = Some(Disabled { announced: true, ..disabled.clone() });
        let known = Endpoint { disabled, ..endpoint.clone() };
        // Whoever changed it meanwhile leaves it to the next delivery to announce the same fact again.
        self.endpoints.write(Some(endpoint), &known).await?;
        Ok(())
    }
}
