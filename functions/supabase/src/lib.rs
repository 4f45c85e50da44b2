//! `supabase`: keeps the row of every job in the user's Supabase table.
//!
//! In: events of the bus, through queue `supabase`.
//! Out: the row of the job in table `videos`, written through `PostgREST` with the service role.
//!
//! A row never goes back: a fact changes it only from the states that it may follow, and only if no
//! newer fact has.

mod config;
mod error;
#[cfg(test)]
mod fake_rows;
mod handler;
#[cfg(test)]
mod handler_tests;
#[cfg(test)]
#[path = "../tests/history.rs"]
mod history;
mod key;
mod news;
mod postgrest;
mod row;
mod rows;

pub use config::{Config, Project, TableName};
pub use error::SupabaseError;
pub use handler::Supabase;
pub use key::ServiceKey;
pub use postgrest::PostgRest;
pub use row::{Progress, Row, Seen, Status, Urls};
pub use rows::{Rows, RowsError, Said};
