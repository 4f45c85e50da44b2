//! The chain through the embedded cloud, at the real queues, on good days and on bad ones.

mod bad_days;
mod crashes;
mod deaths;
mod filming;
mod good_days;
mod judges;
mod ministack;
mod readme;
mod spending;
mod studio;
mod topology;
mod world;
