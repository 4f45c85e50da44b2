use std::collections::BTreeMap;

use ports::{Endpoint, EndpointError, Endpoints, Replaced};

use super::Shared;

/// Endpoints in memory.
#[derive(Clone, Debug, Default)]
pub struct InMemoryEndpoints(Shared<BTreeMap<Key, Endpoint>>);

type Key = (Option<String>, String);

fn key(owner: Option<&str>, id: &str) -> Key {
    (owner.map(ToOwned::to_owned), id.to_owned())
}

impl InMemoryEndpoints {
    /// The endpoints with another one.
    #[must_use]
    pub fn with(self, endpoint: &Endpoint) -> Self {
        let key = key(endpoint.owner.as_deref(), &endpoint.id);
        self.0.lock().insert(key, endpoint.clone());
        self
    }

    /// Every endpoint, by owner and id.
    pub fn all(&self) -> Vec<Endpoint> {
        self.0.lock().values().cloned().collect()
    }
}

impl Endpoints for InMemoryEndpoints {
    async fn get(&self, owner: Option<&str>, id: &str) -> Result<Option<Endpoint>, EndpointError> {
        Ok(self.0.lock().get(&key(owner, id)).cloned())
    }

    async fn of_owner(&self, owner: Option<&str>) -> Result<Vec<Endpoint>, EndpointError> {
        let mut endpoints = self.all();
        endpoints.retain(|endpoint| endpoint.owner.as_deref() == owner);
        Ok(endpoints)
    }

    async fn write(
        &self,
        before: Option<&Endpoint>,
        after: &Endpoint,
    ) -> Result<Replaced, EndpointError> {
        let mut endpoints = self.0.lock();
        let key = key(after.owner.as_deref(), &after.id);
        if endpoints.get(&key) != before {
            return Ok(Replaced::Conflict);
        }
        endpoints.insert(key, after.clone());
        Ok(Replaced::Done)
    }

    async fn delete(&self, owner: Option<&str>, id: &str) -> Result<(), EndpointError> {
        self.0.lock().remove(&key(owner, id));
        Ok(())
    }
}
