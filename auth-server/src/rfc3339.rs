//! Times as text (RFC 3339).

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serializer;

/// Whole seconds, in UTC.
pub(crate) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// For `serialize_with`.
pub(crate) fn serialize<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*time))
}
