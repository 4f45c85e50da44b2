//! Webhooks over real HTTP, judged by other people's code.

mod documented;
mod judges;
mod n8n;
mod n8n_itself;
mod receiver;
mod sending;
mod verifying;
mod workflow;
