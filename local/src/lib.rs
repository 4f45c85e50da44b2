//! The chain on one machine: the embedded cloud, every function polling it, and the commands that
//! a newcomer types.
//!
//! Local and deployed code differ in an endpoint and in nothing else.

pub mod chain;
pub mod commands;
mod diagram;
mod filming;
mod hearing;
pub mod home;
mod names;
mod prices;
mod receiver;
pub mod redriving;
pub mod report;
mod serving;
pub mod topology;

pub use diagram::mermaid;
pub use filming::{Filming, FilmingError, registry};
pub use hearing::Door;
pub use home::{Home, HomeError};
pub use names::{InvalidStageName, Names, StageName};
pub use prices::{AtMost, Prices, PricesError};
pub use receiver::{Receiver, Told};
pub use serving::{Front, FrontConfig, ServingError};
