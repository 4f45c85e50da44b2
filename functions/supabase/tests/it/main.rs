//! The function against a real `PostgREST` in front of a real `PostgreSQL`, read back with the real
//! supabase-js. Wants what `./stillmotion test` installs.

mod answers;
mod facts;
mod gateway;
#[path = "../history.rs"]
mod history;
mod keys;
mod postgres;
mod process;
mod reading;
mod schema;
mod world;

/// What `./stillmotion test` says in the variable `name`.
fn installed(name: &str) -> std::path::PathBuf {
    let value = std::env::var_os(name);
    value.unwrap_or_else(|| panic!("{name} is not set: run ./stillmotion test")).into()
}
