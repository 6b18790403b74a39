//! Times as users read them: "5 minutes ago", with the exact time at hand.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::text::TimeTexts;

/// A unit in which a page counts time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Second,
    Minute,
    Hour,
    Day,
}

/// Some number of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) count: u64,
    pub(crate) unit: Unit,
}

impl Span {
    /// How long to wait: at least 1 second, rounded up, so that a user who waits that long does not come too early.
    pub(crate) fn to_wait(seconds: u64) -> Self {
        match seconds {
            0..90 => Self { count: seconds.max(1), unit: Unit::Second },
            90..5_400 => Self { count: seconds.div_ceil(60), unit: Unit::Minute },
            _ => Self { count: seconds.div_ceil(3_600), unit: Unit::Hour },
        }
    }

    /// What has passed, rounded down. `None`: more than a week, when a date is easier to read.
    fn passed(seconds: u64) -> Option<Self> {
        match seconds {
            0..60 => Some(Self { count: seconds, unit: Unit::Second }),
            60..3_600 => Some(Self { count: seconds / 60, unit: Unit::Minute }),
            3_600..86_400 => Some(Self { count: seconds / 3_600, unit: Unit::Hour }),
            86_400..604_800 => Some(Self { count: seconds / 86_400, unit: Unit::Day }),
            _ => None,
        }
    }
}

/// A time, in words and exact.
pub(crate) struct Moment {
    /// "5 minutes ago", "in 5 minutes" or "on 12 March 2026".
    pub(crate) words: String,
    /// "12 March 2026, 14:05 UTC".
    pub(crate) exact: String,
    /// For the attribute `datetime`.
    pub(crate) machine: String,
}

impl Moment {
    pub(crate) fn of(texts: &TimeTexts, now: DateTime<Utc>, time: DateTime<Utc>) -> Self {
        let seconds = (now - time).num_seconds();
        let words = match Span::passed(seconds.unsigned_abs()) {
            // Clocks of two servers differ a little: what has just happened may be in the future.
            Some(span) if span.unit == Unit::Second && seconds.abs() < 60 && seconds >= -5 => {
                texts.just_now.to_owned()
            }
            Some(span) if seconds >= 0 => (texts.ago)(span),
            Some(span) => (texts.ahead)(span),
            None => (texts.on_date)(time),
        };
        Self { words, exact: (texts.exact)(time), machine: time.to_rfc3339_opts(SecondsFormat::Secs, true) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Language;

    #[test]
    fn times_are_in_words_of_the_language() {
        let now = DateTime::from_timestamp(1_773_324_300, 0).unwrap();
        for (seconds_ago, english, german) in [
            (0, "just now", "gerade eben"),
            (59, "just now", "gerade eben"),
            (-3, "just now", "gerade eben"),
            (60, "1 minute ago", "vor 1 Minute"),
            (3_599, "59 minutes ago", "vor 59 Minuten"),
            (3_600, "1 hour ago", "vor 1 Stunde"),
            (86_399, "23 hours ago", "vor 23 Stunden"),
            (86_400, "yesterday", "gestern"),
            (3 * 86_400, "3 days ago", "vor 3 Tagen"),
            (604_800, "on 5 March 2026", "am 5. März 2026"),
            (-300, "in 5 minutes", "in 5 Minuten"),
            (-86_400, "tomorrow", "morgen"),
            (-172_800, "in 2 days", "in 2 Tagen"),
        ] {
            let time = now - chrono::TimeDelta::seconds(seconds_ago);
            for (language, expected) in [(Language::English, english), (Language::German, german)] {
                assert_eq!(Moment::of(&language.texts().time, now, time).words, expected, "{seconds_ago}");
            }
        }
    }

    #[test]
    fn the_exact_time_names_its_zone() {
        let time = DateTime::from_timestamp(1_773_324_300, 0).unwrap();
        let moment = |language: Language| Moment::of(&language.texts().time, time, time);
        assert_eq!(moment(Language::English).exact, "12 March 2026, 14:05 UTC");
        assert_eq!(moment(Language::German).exact, "12. März 2026, 14:05 Uhr (UTC)");
        assert_eq!(moment(Language::German).machine, "2026-03-12T14:05:00Z");
    }

    #[test]
    fn a_wait_is_never_rounded_down() {
        for (seconds, count, unit) in [
            (0, 1, Unit::Second),
            (89, 89, Unit::Second),
            (90, 2, Unit::Minute),
            (121, 3, Unit::Minute),
            (5_400, 2, Unit::Hour),
            (7_201, 3, Unit::Hour),
        ] {
            assert_eq!(Span::to_wait(seconds), Span { count, unit }, "{seconds}");
        }
    }
}
