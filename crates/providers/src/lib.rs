#![doc = include_str!("../README.md")]

mod camera_move;
mod fal;
pub mod fault;
#[cfg(test)]
mod fixtures;
pub mod http;
#[cfg(test)]
mod in_words;
mod key;
mod ltx;
mod order;
mod provider;
pub mod refusal;
mod registry;
mod replicate;
mod runway;
mod verifier;
mod webhook;

pub use camera_move::CameraMove;
pub use fal::Fal;
pub use key::Key;
pub use ltx::{Ltx, LtxVersion};
pub use provider::{Provider, providers};
pub use registry::{
    Call, CallTarget, CallValues, InputTemplate, InvalidRegistry, Model, ModelState, Offer, Price,
    PromptUse, ProviderEntry, Registry,
};
pub use replicate::Replicate;
pub use runway::Runway;
pub use verifier::{ReplicatePosts, Verifier, key_of, verifiers};
pub use webhook::{
    FalVerifier, InvalidSecret, ReplicateVerifier, SecretUnavailable, fetch_replicate_secret,
};
