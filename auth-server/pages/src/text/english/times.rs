//! Times in English.

use chrono::{DateTime, Utc};

use crate::times::{Span, Unit};

pub(super) fn ago(span: Span) -> String {
    match (span.count, span.unit) {
        (1, Unit::Day) => "yesterday".to_owned(),
        _ => format!("{} ago", count(span)),
    }
}

pub(super) fn ahead(span: Span) -> String {
    match (span.count, span.unit) {
        (1, Unit::Day) => "tomorrow".to_owned(),
        _ => format!("in {}", count(span)),
    }
}

fn count(Span { count, unit }: Span) -> String {
    let unit = match (unit, count) {
        (Unit::Second, 1) => "second",
        (Unit::Second, _) => "seconds",
        (Unit::Minute, 1) => "minute",
        (Unit::Minute, _) => "minutes",
        (Unit::Hour, 1) => "hour",
        (Unit::Hour, _) => "hours",
        (Unit::Day, 1) => "day",
        (Unit::Day, _) => "days",
    };
    format!("{count} {unit}")
}

pub(super) fn on_date(time: DateTime<Utc>) -> String {
    format!("on {}", time.format("%-d %B %Y"))
}

pub(super) fn exact(time: DateTime<Utc>) -> String {
    time.format("%-d %B %Y, %H:%M UTC").to_string()
}
