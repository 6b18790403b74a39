//! Times in German.

use chrono::{DateTime, Datelike, Utc};

use crate::times::{Span, Unit};

const MONTHS: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

pub(super) fn ago(span: Span) -> String {
    match (span.count, span.unit) {
        (1, Unit::Day) => "gestern".to_owned(),
        _ => format!("vor {}", count(span)),
    }
}

pub(super) fn ahead(span: Span) -> String {
    match (span.count, span.unit) {
        (1, Unit::Day) => "morgen".to_owned(),
        _ => format!("in {}", count(span)),
    }
}

/// In the dative, as "vor" and "in" want it.
fn count(Span { count, unit }: Span) -> String {
    let unit = match (unit, count) {
        (Unit::Second, 1) => "Sekunde",
        (Unit::Second, _) => "Sekunden",
        (Unit::Minute, 1) => "Minute",
        (Unit::Minute, _) => "Minuten",
        (Unit::Hour, 1) => "Stunde",
        (Unit::Hour, _) => "Stunden",
        (Unit::Day, 1) => "Tag",
        (Unit::Day, _) => "Tagen",
    };
    format!("{count} {unit}")
}

fn date(time: DateTime<Utc>) -> String {
    let month = MONTHS.get(time.month0() as usize).copied().unwrap_or_default();
    format!("{}. {month} {}", time.day(), time.year())
}

pub(super) fn on_date(time: DateTime<Utc>) -> String {
    format!("am {}", date(time))
}

pub(super) fn exact(time: DateTime<Utc>) -> String {
    format!("{}, {} Uhr (UTC)", date(time), time.format("%H:%M"))
}
