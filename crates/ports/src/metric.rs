//! What is counted and measured for graphs and alarms: the only list of it.

use domain::Job;

/// Target of the events that carry measurements. Who subscribes to it writes them where they are read;
/// where nobody does, nothing is told.
pub const MEASURED: &str = "metric";

/// What a value is in. The names are those of Amazon `CloudWatch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// Time, in milliseconds.
    Milliseconds,
    /// Hundredths of a whole.
    Percent,
}

impl Unit {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
            Self::Percent => "Percent",
        }
    }
}

/// Something that is counted or measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// See [`Metric::meaning`], here and below.
    UnknownOrders,
    /// Of the tightest limit.
    SpentPercent,
    /// A person has to act.
    ProviderRefusals,
    /// It is delivered again.
    RecordsFailed,
    /// It was delivered for the last time.
    RecordsGivenUp,
    /// It was moved aside.
    RecordsBuried,
    /// How far behind a function is.
    RecordWait,
    /// With or without a video.
    JobsEnded,
    /// Somebody was not told.
    DeliveriesGivenUp,
    /// Somebody is told nothing any more.
    EndpointsDisabled,
}

/// The functions that a queue feeds.
const FED: &[&str] = &["deliver", "fetch", "ingest", "ltx", "notify", "render", "supabase"];

impl Metric {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::UnknownOrders,
        Self::SpentPercent,
        Self::ProviderRefusals,
        Self::RecordsFailed,
        Self::RecordsGivenUp,
        Self::RecordsBuried,
        Self::RecordWait,
        Self::JobsEnded,
        Self::DeliveriesGivenUp,
        Self::EndpointsDisabled,
    ];

    /// The name in graphs and alarms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownOrders => "UnknownOrders",
            Self::SpentPercent => "SpentPercent",
            Self::ProviderRefusals => "ProviderRefusals",
            Self::RecordsFailed => "RecordsFailed",
            Self::RecordsGivenUp => "RecordsGivenUp",
            Self::RecordsBuried => "RecordsBuried",
            Self::RecordWait => "RecordWait",
            Self::JobsEnded => "JobsEnded",
            Self::DeliveriesGivenUp => "DeliveriesGivenUp",
            Self::EndpointsDisabled => "EndpointsDisabled",
        }
    }

    /// What its values are in.
    pub const fn unit(self) -> Unit {
        match self {
            Self::SpentPercent => Unit::Percent,
            Self::RecordWait => Unit::Milliseconds,
            _ => Unit::Count,
        }
    }

    /// The functions that tell it, by name.
    pub const fn from(self) -> &'static [&'static str] {
        match self {
            Self::UnknownOrders | Self::SpentPercent => &["sweep"],
            Self::ProviderRefusals => &["ltx"],
            Self::RecordsFailed | Self::RecordsGivenUp | Self::RecordsBuried | Self::RecordWait => {
                FED
            }
            Self::JobsEnded => &["api", "fetch", "ingest", "ltx", "render", "sweep"],
            Self::DeliveriesGivenUp | Self::EndpointsDisabled => &["deliver"],
        }
    }

    /// What it tells, in one sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::UnknownOrders => {
                "Orders whose answer was lost and that nobody has settled yet, however old; told by \
                 every sweep."
            }
            Self::SpentPercent => {
                "How much of the tightest limit on spending is used, today's or this month's, of money \
                 or of clips; told by every sweep where there is a limit."
            }
            Self::ProviderRefusals => {
                "Orders that a provider refused over our key or our credit: nothing is filmed there \
                 until a person acts."
            }
            Self::RecordsFailed => "Deliveries of a record that ended in a fault.",
            Self::RecordsGivenUp => {
                "Records whose last delivery failed, and that go to the dead-letter queue."
            }
            Self::RecordsBuried => {
                "Records that no delivery can help, moved to the dead-letter queue at once."
            }
            Self::RecordWait => "How old a record was at its first delivery.",
            Self::JobsEnded => {
                "Jobs that came to an end; property `end` says to which: rendered, failed, cancelled, \
                 expired or deleted."
            }
            Self::DeliveriesGivenUp => "Webhooks that their receiver was never told.",
            Self::EndpointsDisabled => {
                "Webhook endpoints that are told nothing any more, because they did not answer."
            }
        }
    }

    /// Tells a value.
    pub fn record(self, value: impl Into<f64>) {
        let (metric, unit, value) = (self.name(), self.unit().as_str(), value.into());
        tracing::debug!(target: MEASURED, metric, unit, value);
    }

    /// Tells of one more.
    pub fn count(self) {
        self.record(1);
    }

    /// Tells that a job has come to an end.
    pub fn job_ended(job: &Job) {
        let (metric, unit) = (Self::JobsEnded.name(), Self::JobsEnded.unit().as_str());
        let (end, trace) = (job.state.as_str(), job.trace_id.as_str());
        tracing::debug!(
            target: MEASURED, metric, unit, value = 1.0, end, job.id = %job.id, trace.id = trace,
        );
    }
}
