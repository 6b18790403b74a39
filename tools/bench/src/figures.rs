//! The table of results: ours, the limit, their ratio and the target.

use std::fmt::Write;
use std::time::Duration;

/// A row of the table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) what: String,
    ours: String,
    limit: String,
    ratio: String,
    target: String,
    /// Whether the target was met; `None` without a target.
    met: Option<bool>,
}

/// The results of a measure.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    pub(crate) rows: Vec<Row>,
    /// Sentences below the table.
    pub(crate) notes: Vec<String>,
}

impl Row {
    /// A rate, the rate of the limit, and the median of their ratios, which should be `at_least`.
    pub(crate) fn rate(what: &str, ours: f64, limit: f64, ratio: f64, at_least: f64) -> Self {
        Self {
            what: what.to_owned(),
            ours: format!("{}/s", number(ours)),
            limit: format!("{}/s", number(limit)),
            ratio: format!("{ratio:.2}"),
            target: format!("≥ {at_least}"),
            met: Some(ratio >= at_least),
        }
    }

    /// A figure that should be at most `max`.
    pub(crate) fn at_most(what: &str, ours: f64, max: f64, unit: &str) -> Self {
        Self {
            what: what.to_owned(),
            ours: format!("{} {unit}", number(ours)),
            limit: String::new(),
            ratio: String::new(),
            target: format!("≤ {} {unit}", number(max)),
            met: Some(ours <= max),
        }
    }

    /// A figure without a target.
    pub(crate) fn info(what: &str, ours: String) -> Self {
        let nothing = String::new;
        Self { what: what.to_owned(), ours, limit: nothing(), ratio: nothing(), target: nothing(), met: None }
    }

    /// Latencies in milliseconds, with an optional maximum for the p99.
    pub(crate) fn latency(what: &str, p50: f64, p99: f64, max: Option<f64>) -> Self {
        let ours = format!("{}, {} ms", number(p50), number(p99));
        let row = Self::info(&format!("{what}: p50, p99"), ours);
        match max {
            Some(max) => Self { target: format!("p99 ≤ {} ms", number(max)), met: Some(p99 <= max), ..row },
            None => row,
        }
    }

    /// A rate and the rate of the limit, without a target.
    pub(crate) fn info_rate(what: &str, ours: f64, limit: f64, ratio: f64) -> Self {
        Self::info(what, format!("{}/s", number(ours))).with_limit(format!("{}/s", number(limit)), ratio)
    }

    /// Adds a limit, and the ratio to it.
    pub(crate) fn with_limit(self, limit: String, ratio: f64) -> Self {
        Self { limit, ratio: format!("{ratio:.2}"), ..self }
    }

    /// Adds a maximum for the ratio.
    pub(crate) fn ratio_at_most(self, ratio: f64, max: f64) -> Self {
        Self { target: format!("≤ {max}"), met: Some(ratio <= max), ratio: format!("{ratio:.2}"), ..self }
    }

    /// Adds a minimum for the ratio.
    pub(crate) fn ratio_at_least(self, ratio: f64, min: f64) -> Self {
        Self { target: format!("≥ {min}"), met: Some(ratio >= min), ratio: format!("{ratio:.2}"), ..self }
    }

    fn cells(&self) -> [&str; 6] {
        let met = match self.met {
            Some(true) => "met",
            Some(false) => "missed",
            None => "",
        };
        [&self.what, &self.ours, &self.limit, &self.ratio, &self.target, met]
    }
}

/// The table in Markdown, aligned so that it reads well as text.
pub(crate) fn table(rows: &[Row]) -> String {
    let head = ["what", "ours", "limit", "ratio", "target", ""];
    let cells: Vec<[&str; 6]> = std::iter::once(head).chain(rows.iter().map(Row::cells)).collect();
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; 6] = std::array::from_fn(|column| width(column).max(3));
    let mut table = String::new();
    for (line, row) in cells.iter().enumerate() {
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(table, "| {cell:width$} ");
        }
        table.push_str("|\n");
        if line == 0 {
            for (column, width) in widths.into_iter().enumerate() {
                let right = (1..=3).contains(&column);
                let _ = write!(
                    table,
                    "| {}{} ",
                    "-".repeat(width - usize::from(right)),
                    if right { ":" } else { "" }
                );
            }
            table.push_str("|\n");
        }
    }
    table
}

/// The median; of two values in the middle, the lower one.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

/// With three significant digits.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        great if great >= 1000.0 => {
            let digits = format!("{value:.0}");
            let (head, tail) = digits.split_at(digits.len() - 3);
            if head.len() > 3 {
                let (millions, thousands) = head.split_at(head.len() - 3);
                format!("{millions},{thousands},{tail}")
            } else {
                format!("{head},{tail}")
            }
        }
        great if great >= 100.0 => format!("{value:.0}"),
        great if great >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// In milliseconds.
pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_value_in_the_middle() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[4.0, 1.0]) - 1.0).abs() < f64::EPSILON);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn numbers_have_three_significant_digits() {
        for (value, text) in
            [(0.4567, "0.46"), (45.67, "45.7"), (456.7, "457"), (45_678.9, "45,679"), (1.2e6, "1,200,000")]
        {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_missed_target_is_shown_in_the_table() {
        let row = Row::rate("x", 80.0, 100.0, 0.8, 0.9);
        let table = table(&[row]);
        assert!(
            table.contains("| x    | 80.0/s | 100/s |  ") || table.contains("| 0.80  | ≥ 0.9  | missed |"),
            "{table}"
        );
    }
}
