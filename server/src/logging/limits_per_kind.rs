//! Limits the log lines that unauthenticated clients can cause: a flood of rejected requests must not fill a disk.
//!
//! It limits warnings, errors, and lines with a `reason`, which says why something was rejected. The lines of a kind
//! come from one place in the code; those of requests also have one route and status. All other lines report successes
//! and are never limited.

use std::collections::hash_map::RandomState;
use std::fmt::Debug;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::OnceLock;
use std::time::Duration;

use goptri::revocation::{MonotonicClock, SystemMonotonicClock};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use super::line_limit::LineLimit;

/// Lines of one kind per second.
const MAX_PER_SECOND: u64 = 20;

const SECOND: Duration = Duration::from_secs(1);

/// More than the code has kinds. Kinds beyond these would share the limits of others.
const SLOTS: usize = 512;

/// The kinds of lines that were logged so far: a hash table without removal, so that finding a kind takes no lock.
#[derive(Debug)]
pub(super) struct LimitsPerKind {
    slots: Box<[OnceLock<KindState>]>,
    hasher: RandomState,
    clock: SystemMonotonicClock,
}

#[derive(Debug)]
struct KindState {
    hash: u64,
    limit: LineLimit,
    level: Level,
    kind: LineKind,
}

/// What the lines of a kind have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct LineKind {
    message: String,
    route: Option<String>,
    status: Option<u64>,
}

impl Default for LimitsPerKind {
    fn default() -> Self {
        let slots = (0..SLOTS).map(|_| OnceLock::new()).collect();
        Self { slots, hasher: RandomState::default(), clock: SystemMonotonicClock::default() }
    }
}

impl LimitsPerKind {
    fn permits(&self, event: &Event<'_>) -> bool {
        if !is_limited(event.metadata()) {
            return true;
        }
        let mut hasher = KindHasher(self.hasher.build_hasher());
        event.metadata().callsite().hash(&mut hasher.0);
        event.record(&mut hasher);
        let hash = hasher.0.finish();
        let new = || {
            let mut kind = LineKind::default();
            event.record(&mut kind);
            let limit = LineLimit::new(MAX_PER_SECOND, SECOND);
            KindState { hash, limit, level: *event.metadata().level(), kind }
        };
        self.find_or_add(hash, new).limit.permits(self.clock.elapsed())
    }

    /// Linear probing, from the slot that the hash names.
    fn find_or_add(&self, hash: u64, new: impl Fn() -> KindState) -> &KindState {
        let first = usize::try_from(hash % SLOTS as u64).unwrap_or(0);
        let (before, after) = self.slots.split_at(first);
        let mut kinds = after.iter().chain(before).map(|slot| slot.get_or_init(&new));
        kinds.find(|kind| kind.hash == hash).unwrap_or_else(|| self.slots[first].get_or_init(&new))
    }

    /// Logs how many lines of each kind were left out in the last second.
    pub(super) fn report(&self) {
        let now = self.clock.elapsed();
        self.report_if(|limit| limit.is_over(now));
    }

    /// Logs how many lines of each kind were left out so far.
    pub(super) fn report_all(&self) {
        self.report_if(|_| true);
    }

    fn report_if(&self, is_due: impl Fn(&LineLimit) -> bool) {
        let kinds = self.slots.iter().filter_map(OnceLock::get);
        for KindState { limit, level, kind, .. } in kinds.filter(|kind| is_due(&kind.limit)) {
            let left_out = limit.take_left_out();
            if left_out > 0 {
                kind.log_left_out(*level, left_out);
            }
        }
    }
}

/// The lines of this module are never limited, so that a count is never lost.
fn is_limited(metadata: &Metadata<'_>) -> bool {
    let level = *metadata.level();
    (level <= Level::WARN || (level == Level::INFO && metadata.fields().field("reason").is_some()))
        && metadata.target() != module_path!()
}

impl LineKind {
    fn log_left_out(&self, level: Level, left_out: u64) {
        let Self { message, route, status } = self;
        let route = route.as_deref();
        macro_rules! log {
            ($level:ident) => {
                tracing::$level!(
                    left_out,
                    line = message,
                    route,
                    status,
                    "more lines of this kind were left out"
                )
            };
        }
        match level {
            Level::ERROR => log!(error),
            Level::WARN => log!(warn),
            _ => log!(info),
        }
    }
}

impl Visit for LineKind {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "route" => self.route = Some(value.to_owned()),
            "message" => value.clone_into(&mut self.message),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "status" {
            self.status = Some(value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }
}

/// Hashes the fields that distinguish kinds.
struct KindHasher<H>(H);

impl<H: Hasher> Visit for KindHasher<H> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "route" {
            value.hash(&mut self.0);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "status" {
            value.hash(&mut self.0);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

/// Applies the limits to the log.
pub(super) struct LimitLayer(pub(super) &'static LimitsPerKind);

impl<S: Subscriber> Layer<S> for LimitLayer {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        self.0.permits(event)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// Collects what is logged.
    #[derive(Clone, Default)]
    struct Logged(Arc<Mutex<Vec<(LineKind, u64)>>>);

    impl<S: Subscriber> Layer<S> for Logged {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let mut line = (LineKind::default(), LeftOut(0));
            event.record(&mut line.0);
            event.record(&mut line.1);
            self.0.lock().unwrap().push((line.0, line.1.0));
        }
    }

    struct LeftOut(u64);

    impl Visit for LeftOut {
        fn record_u64(&mut self, field: &Field, value: u64) {
            if field.name() == "left_out" {
                self.0 = value;
            }
        }

        fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
    }

    impl Logged {
        /// How many lines have this message and status, and how many more were left out.
        fn count(&self, message: &str, status: u64) -> (usize, u64) {
            let lines = self.0.lock().unwrap();
            let of_kind = lines.iter().filter(|(line, _)| line.status.unwrap_or_default() == status);
            let logged = of_kind.clone().filter(|(line, _)| line.message == message).count();
            (logged, of_kind.map(|(_, left_out)| left_out).sum())
        }
    }

    #[test]
    fn lines_of_strangers_are_limited_by_kind_and_lines_about_successes_are_complete() {
        let (limits, logged): (&LimitsPerKind, _) = (Box::leak(Box::default()), Logged::default());
        let subscriber = tracing_subscriber::registry().with(logged.clone()).with(LimitLayer(limits));
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..100 {
                tracing::info!(status = 1u64, reason = "it has expired", "rejected");
                tracing::info!(status = 2u64, reason = None::<&str>, route = "/a", "answered");
                tracing::info!(status = 3u64, "signed in");
                tracing::warn!(status = 4u64, "unavailable");
                tracing::debug!(status = 5u64, reason = "as asked for", "details");
                // The same fields from two places.
                tracing::info!(status = 6u64, reason = "a throttle", "one");
                tracing::info!(status = 6u64, reason = "a wrong password", "another");
            }
            limits.report_all();
        });
        let max = usize::try_from(MAX_PER_SECOND).unwrap();
        assert_eq!(logged.count("rejected", 1), (max, 80));
        assert_eq!(logged.count("answered", 2), (max, 80));
        assert_eq!(logged.count("signed in", 3), (100, 0));
        assert_eq!(logged.count("unavailable", 4), (max, 80));
        assert_eq!(logged.count("details", 5), (100, 0));
        assert_eq!(logged.count("one", 6), (max, 160));
        assert_eq!(logged.count("another", 6), (max, 160));
    }

    #[test]
    fn a_full_table_limits_further_kinds_together_with_others() {
        let limits = LimitsPerKind::default();
        let state = |hash| KindState {
            hash,
            limit: LineLimit::new(1, SECOND),
            level: Level::INFO,
            kind: LineKind::default(),
        };
        let slots = SLOTS as u64;
        for hash in (0..2 * slots).step_by(2) {
            assert_eq!(limits.find_or_add(hash, || state(hash)).hash, hash);
        }
        for hash in (0..2 * slots).step_by(2) {
            assert_eq!(limits.find_or_add(hash, || state(hash)).hash, hash, "it is found again");
        }
        let beyond = limits.find_or_add(slots + 1, || state(slots + 1));
        assert!(beyond.hash < 2 * slots && beyond.hash.is_multiple_of(2), "the limit of another kind");
    }
}
