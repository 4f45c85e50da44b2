//! Endpoints of webhooks: rows with `owner` (`*` for the house, `user#` and an id for people), `id` and
//! `doc`.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use ports::{Created, Endpoint, EndpointError, Endpoints, Replaced, Source};

use super::table::{Item, Table, document, item, read, read_all, text};

/// The table of those who asked to be told.
#[derive(Clone, Debug)]
pub struct DynamoEndpoints(Table);

impl DynamoEndpoints {
    pub(crate) fn new(client: Client, name: String) -> Self {
        Self(Table { client, name })
    }

    /// Whether the table answers.
    ///
    /// # Errors
    /// What it, or the way to it, said.
    pub async fn reach(&self) -> Result<(), Source> {
        self.0.reach(item([("owner", text("reach")), ("id", text("reach"))])).await
    }

    async fn read_one(&self, owner: Option<&str>, id: &str) -> Result<Option<Endpoint>, Source> {
        self.0.get(key(owner, id)).await?.as_ref().map(read).transpose()
    }

    async fn read_all(&self, owner: Option<&str>) -> Result<Vec<Endpoint>, Source> {
        let question = |query: QueryFluentBuilder| {
            query
                .consistent_read(true)
                .key_condition_expression("#owner = :owner")
                .expression_attribute_names("#owner", "owner")
                .expression_attribute_values(":owner", text(&partition(owner)))
        };
        read_all(&self.0.query(question, usize::MAX).await?)
    }

    async fn put(&self, before: Option<&Endpoint>, after: &Endpoint) -> Result<Replaced, Source> {
        let key = key(after.owner.as_deref(), &after.id);
        let mut row = key.clone();
        row.insert("doc".to_owned(), document(after)?);
        let row = self.0.put(row);
        let Some(before) = before else {
            return Ok(match self.0.create(key, row, Vec::new()).await? {
                Created::New => Replaced::Done,
                Created::Exists => Replaced::Conflict,
            });
        };
        self.0.replace(key, row, before).await
    }
}

impl Endpoints for DynamoEndpoints {
    async fn get(&self, owner: Option<&str>, id: &str) -> Result<Option<Endpoint>, EndpointError> {
        self.read_one(owner, id).await.map_err(failed("read"))
    }

    async fn of_owner(&self, owner: Option<&str>) -> Result<Vec<Endpoint>, EndpointError> {
        self.read_all(owner).await.map_err(failed("list"))
    }

    async fn write(
        &self,
        before: Option<&Endpoint>,
        after: &Endpoint,
    ) -> Result<Replaced, EndpointError> {
        self.put(before, after).await.map_err(failed("store"))
    }

    async fn delete(&self, owner: Option<&str>, id: &str) -> Result<(), EndpointError> {
        self.0.delete(key(owner, id)).await.map_err(failed("remove"))
    }
}

fn failed(action: &'static str) -> impl FnOnce(Source) -> EndpointError {
    move |source| EndpointError { action, source }
}

fn partition(owner: Option<&str>) -> String {
    owner.map_or_else(|| "*".to_owned(), |owner| format!("user#{owner}"))
}

fn key(owner: Option<&str>, id: &str) -> Item {
    item([("owner", text(&partition(owner))), ("id", text(id))])
}
