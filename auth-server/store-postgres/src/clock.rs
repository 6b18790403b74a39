//! The clock of the database, which dates everything, so that the clocks of the servers need not agree.

use sqlx::postgres::types::PgInterval;

use crate::rows::interval;

/// The offset that each statement adds to the time at which it begins: zero, except in tests.
#[derive(Debug, Clone, Default)]
pub(crate) struct DatabaseClock {
    #[cfg(feature = "testing")]
    pub(crate) manual: goptri::clock::ManualClock,
}

impl DatabaseClock {
    #[cfg_attr(not(feature = "testing"), expect(clippy::unused_self, reason = "only tests have an offset"))]
    pub(crate) fn offset(&self) -> PgInterval {
        #[cfg(feature = "testing")]
        let offset = self.manual.offset();
        #[cfg(not(feature = "testing"))]
        let offset = chrono::TimeDelta::zero();
        interval(offset)
    }
}
