//! Calls of a process that dies on the way, or whose queues do not answer, for tests.

use std::sync::Arc;

use axum::{Extension, Router};
use ports::{Chronicle, MessageSender};
use testkit::{Fuse, Fused, Moment};

use crate::test_world::World;
use crate::{Api, Caller, Queues, calls};

/// The calls over the ports of `world`, made by `caller`, with other queues.
pub(crate) fn sending<Q>(world: &World, caller: Caller, queue: &Q) -> Router
where
    Q: MessageSender + Clone + 'static,
{
    let Api { store, chronicle, ledger, registers, deliveries, endpoints, meters, .. } =
        &*world.api;
    let queue = || queue.clone();
    let api = Api::<(_, _, _, _, _, _, _, _, _, _)> {
        bucket: world.api.bucket.clone(),
        store: store.clone(),
        chronicle: Chronicle {
            jobs: chronicle.jobs.clone(),
            bus: chronicle.bus.clone(),
            clock: chronicle.clock.clone(),
        },
        ledger: ledger.clone(),
        registers: registers.clone(),
        deliveries: deliveries.clone(),
        endpoints: endpoints.clone(),
        meters: meters.clone(),
        queues: Queues { ingest: queue(), ltx: queue(), render: queue(), deliver: queue() },
        rules: world.api.rules.clone(),
    };
    calls::routes().with_state(Arc::new(api)).layer(Extension(caller))
}

/// The calls over the ports of `world`, made by `caller` in a process that dies with `fuse`.
pub(crate) fn dying(world: &World, caller: Caller, fuse: &Fuse) -> Router {
    let Api { store, chronicle, ledger, registers, deliveries, endpoints, meters, queues, .. } =
        &*world.api;
    let queue = |queue: &testkit::RecordingQueue| Fused::new(queue.clone(), fuse);
    let api = Api::<(_, _, _, _, _, _, _, _, _, _)> {
        bucket: world.api.bucket.clone(),
        store: Fused::new(store.clone(), fuse),
        chronicle: Chronicle {
            jobs: Fused::new(chronicle.jobs.clone(), fuse),
            bus: Fused::new(chronicle.bus.clone(), fuse),
            clock: chronicle.clock.clone(),
        },
        ledger: Fused::new(ledger.clone(), fuse),
        registers: Fused::new(registers.clone(), fuse),
        deliveries: Fused::new(deliveries.clone(), fuse),
        endpoints: Fused::new(endpoints.clone(), fuse),
        meters: Fused::new(meters.clone(), fuse),
        queues: Queues {
            ingest: queue(&queues.ingest),
            ltx: queue(&queues.ltx),
            render: queue(&queues.render),
            deliver: queue(&queues.deliver),
        },
        rules: world.api.rules.clone(),
    };
    calls::routes().with_state(Arc::new(api)).layer(Extension(caller))
}

/// Every moment at which a process can die that makes up to `changes` changes.
pub(crate) fn moments(changes: u64) -> impl Iterator<Item = Fuse> {
    let both = |at| [Fuse::new(at, Moment::Before), Fuse::new(at, Moment::After)];
    (1..=changes).flat_map(both)
}
