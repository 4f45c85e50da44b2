//! Which settings each function reads, and how it goes on when the secret ones change.

mod environment;
mod rotation;
