//! Brings the stored tables to what the wiring says, without losing an item.

use std::collections::BTreeSet;

use dynoxide::DynoxideError;
use serde_json::{Value, json};

use super::{DynamoDb, TableError};
use crate::wiring::{AttributeType, Index, Table};

impl DynamoDb {
    /// Creates what is missing of `tables`; refuses a table whose key has changed.
    pub(crate) fn ensure(&self, tables: &[Table]) -> Result<(), TableError> {
        tables.iter().try_for_each(|table| self.ensure_table(table))
    }

    fn ensure_table(&self, table: &Table) -> Result<(), TableError> {
        match self.ask("DescribeTable", &json!({ "TableName": table.name })) {
            Ok(stored) => self.check_table(table, &stored["Table"])?,
            Err(DynoxideError::ResourceNotFoundException(_)) => {
                self.ask("CreateTable", &creation(table))?;
            }
            Err(error) => return Err(error.into()),
        }
        self.ensure_ttl(table)
    }

    fn check_table(&self, table: &Table, stored: &Value) -> Result<(), TableError> {
        let wired = table_key(table);
        check(table, "the key", &stored["KeySchema"], &stored["AttributeDefinitions"], &wired)?;
        for index in &table.indexes {
            match stored_index(stored, &index.name) {
                Some(found) => {
                    let what = format!("the key of index {}", index.name);
                    let wired = index_key(index);
                    check(
                        table,
                        &what,
                        &found["KeySchema"],
                        &stored["AttributeDefinitions"],
                        &wired,
                    )?;
                }
                None => self.add_index(table, index)?,
            }
        }
        Ok(())
    }

    fn add_index(&self, table: &Table, index: &Index) -> Result<(), TableError> {
        let names = index_key(index).into_iter().map(|(name, _)| name);
        self.ask(
            "UpdateTable",
            &json!({
                "TableName": table.name,
                "AttributeDefinitions": definitions(table, names),
                "GlobalSecondaryIndexUpdates": [{ "Create": index_creation(index) }],
            }),
        )?;
        Ok(())
    }

    fn ensure_ttl(&self, table: &Table) -> Result<(), TableError> {
        let name = json!({ "TableName": table.name });
        let stored = self.ask("DescribeTimeToLive", &name)?;
        let stored = stored["TimeToLiveDescription"]["AttributeName"].as_str();
        match &table.ttl_attribute {
            Some(wired) if stored != Some(wired.as_str()) => {
                if let Some(stored) = stored {
                    self.set_ttl(table, stored, false)?;
                }
                self.set_ttl(table, wired, true)
            }
            _ => Ok(()),
        }
    }

    fn set_ttl(&self, table: &Table, attribute: &str, enabled: bool) -> Result<(), TableError> {
        let specification = json!({ "AttributeName": attribute, "Enabled": enabled });
        self.ask(
            "UpdateTimeToLive",
            &json!({ "TableName": table.name, "TimeToLiveSpecification": specification }),
        )?;
        Ok(())
    }
}

/// Attributes of a key and their roles.
type KeyParts<'a> = Vec<(&'a str, &'static str)>;

fn key_parts<'a>(partition: &'a str, sort: Option<&'a String>) -> KeyParts<'a> {
    let sort = sort.map(|sort| (sort.as_str(), "RANGE"));
    [(partition, "HASH")].into_iter().chain(sort).collect()
}

fn table_key(table: &Table) -> KeyParts<'_> {
    key_parts(&table.key.partition, table.key.sort.as_ref())
}

fn index_key(index: &Index) -> KeyParts<'_> {
    key_parts(&index.partition, index.sort.as_ref())
}

fn type_of(table: &Table, attribute: &str) -> &'static str {
    match table.attribute_types.get(attribute).copied().unwrap_or_default() {
        AttributeType::S => "S",
        AttributeType::N => "N",
    }
}

fn creation(table: &Table) -> Value {
    let indexes: Vec<_> = table.indexes.iter().map(index_creation).collect();
    let keys = table.indexes.iter().flat_map(index_key).chain(table_key(table));
    let mut creation = json!({
        "TableName": table.name,
        "KeySchema": schema(&table_key(table)),
        "AttributeDefinitions": definitions(table, keys.map(|(name, _)| name)),
        "BillingMode": "PAY_PER_REQUEST",
    });
    if !indexes.is_empty() {
        creation["GlobalSecondaryIndexes"] = indexes.into();
    }
    creation
}

fn index_creation(index: &Index) -> Value {
    json!({
        "IndexName": index.name,
        "KeySchema": schema(&index_key(index)),
        "Projection": { "ProjectionType": "ALL" },
    })
}

fn schema(key: &KeyParts<'_>) -> Value {
    key.iter().map(|(name, role)| json!({ "AttributeName": name, "KeyType": role })).collect()
}

fn definitions<'a>(table: &Table, names: impl Iterator<Item = &'a str>) -> Value {
    let names: BTreeSet<_> = names.collect();
    names
        .into_iter()
        .map(|name| json!({ "AttributeName": name, "AttributeType": type_of(table, name) }))
        .collect()
}

fn stored_index<'a>(stored: &'a Value, name: &str) -> Option<&'a Value> {
    let indexes = stored["GlobalSecondaryIndexes"].as_array()?;
    indexes.iter().find(|index| index["IndexName"] == name)
}

fn check(
    table: &Table,
    what: &str,
    schema: &Value,
    definitions: &Value,
    wired: &KeyParts<'_>,
) -> Result<(), TableError> {
    let stored = stored_key(schema, definitions);
    let wired: Vec<_> = wired
        .iter()
        .map(|(name, role)| format!("{name} {} {role}", type_of(table, name)))
        .collect();
    let wired = wired.join(", ");
    if stored == wired {
        return Ok(());
    }
    Err(TableError::Drift { table: table.name.clone(), what: what.to_owned(), stored, wired })
}

fn stored_key(schema: &Value, definitions: &Value) -> String {
    let parts = schema.as_array().into_iter().flatten().map(|part| {
        let name = part["AttributeName"].as_str().unwrap_or_default();
        let definition = definitions.as_array().into_iter().flatten();
        let kind = definition
            .filter(|definition| definition["AttributeName"] == name)
            .find_map(|definition| definition["AttributeType"].as_str());
        let role = part["KeyType"].as_str().unwrap_or_default();
        format!("{name} {} {role}", kind.unwrap_or_default())
    });
    parts.collect::<Vec<_>>().join(", ")
}
