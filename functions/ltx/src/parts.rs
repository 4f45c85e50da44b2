//! What the handler is put together from.

use ports::{
    Clock, EventPublisher, History, JobStore, Ledger, ObjectStore, Registers, Rewrap,
    VideoGenerator,
};

/// The ports, one of each. A tuple of adapters in this order is one.
pub trait Parts: Send + Sync {
    /// The media bucket.
    type Store: ObjectStore;
    /// Rows of jobs and their events.
    type Jobs: JobStore + History;
    /// Where events go.
    type Bus: EventPublisher;
    /// What time it is.
    type Clock: Clock;
    /// What was ordered and paid.
    type Ledger: Ledger;
    /// Lines before providers, and stored clips by what was ordered.
    type Registers: Registers;
    /// Who films.
    type Generator: VideoGenerator;
    /// Who judges what was delivered.
    type Rewrap: Rewrap;
}

impl<S, J, B, C, L, R, G, W> Parts for (S, J, B, C, L, R, G, W)
where
    S: ObjectStore,
    J: JobStore + History,
    B: EventPublisher,
    C: Clock,
    L: Ledger,
    R: Registers,
    G: VideoGenerator,
    W: Rewrap,
{
    type Store = S;
    type Jobs = J;
    type Bus = B;
    type Clock = C;
    type Ledger = L;
    type Registers = R;
    type Generator = G;
    type Rewrap = W;
}
