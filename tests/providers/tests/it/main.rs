//! The fake, asked over HTTP as the real ones are.

mod control;
mod downloads;
mod fal;
mod ltx;
mod mailbox;
mod replicate;
mod runway;
mod switches;
mod visitor;
mod webhooks;
