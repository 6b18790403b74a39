//! `NumericDate` (RFC 7519 §2): seconds since 1970 as a JSON number.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// The last second of the year 9999. A later time is a mistake or an attack.
const MAX_SECONDS: i64 = 253_402_300_799;

/// Whole seconds since 1970-01-01T00:00:00Z, from 0 to the end of the year 9999.
///
/// A string, `null`, an object, or a number out of range is rejected: it must never count as absent (JV-15,
/// CVE-2026-25537). Fractions are truncated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct NumericDate(i64);

impl NumericDate {
    pub(crate) const EPOCH: Self = Self(0);

    /// `None` if `seconds` is out of range.
    pub(crate) fn from_seconds(seconds: i64) -> Option<Self> {
        (0..=MAX_SECONDS).contains(&seconds).then_some(Self(seconds))
    }

    /// Seconds since 1970.
    pub fn seconds(self) -> i64 {
        self.0
    }

    /// Microseconds since 1970.
    pub(crate) fn micros(self) -> i64 {
        // At most 253,402,300,799,000,000, which fits.
        self.0 * 1_000_000
    }

    /// The same time as a [`DateTime`].
    pub fn to_datetime(self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.0, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

impl From<DateTime<Utc>> for NumericDate {
    /// Truncates fractions and clamps to the range.
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.timestamp().clamp(0, MAX_SECONDS))
    }
}

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seconds;
        impl Visitor<'_> for Seconds {
            type Value = NumericDate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of seconds since 1970")
            }

            fn visit_i64<E: Error>(self, seconds: i64) -> Result<NumericDate, E> {
                NumericDate::from_seconds(seconds).ok_or_else(|| E::custom("a time out of range"))
            }

            fn visit_u64<E: Error>(self, seconds: u64) -> Result<NumericDate, E> {
                self.visit_i64(i64::try_from(seconds).map_err(|_| E::custom("a time out of range"))?)
            }

            fn visit_f64<E: Error>(self, seconds: f64) -> Result<NumericDate, E> {
                // Both bounds are exact in an f64, and NaN is in no range.
                if (0.0..=253_402_300_799.0).contains(&seconds) {
                    #[expect(
                        clippy::cast_possible_truncation,
                        reason = "the range was checked, and fractions are truncated"
                    )]
                    Ok(NumericDate(seconds as i64))
                } else {
                    Err(E::custom("a time out of range"))
                }
            }
        }
        deserializer.deserialize_any(Seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// JV-15
    #[test]
    fn only_a_number_in_range_is_a_time() {
        for (json, seconds) in [
            ("0", 0),
            ("1700000000", 1_700_000_000),
            ("1700000000.9", 1_700_000_000),
            ("1.7e9", 1_700_000_000),
        ] {
            assert_eq!(serde_json::from_str::<NumericDate>(json).unwrap().seconds(), seconds, "{json}");
        }
        for json in [
            "\"1700000000\"",
            "null",
            "true",
            "[]",
            "{}",
            "-1",
            "-0.5e1",
            "1e99",
            "253402300800",
            "18446744073709551615",
            "99999999999999999999",
            "NaN",
        ] {
            assert!(serde_json::from_str::<NumericDate>(json).is_err(), "{json}");
        }
    }
}
