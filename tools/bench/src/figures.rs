//! The table: what was measured, ours, the limit beside it, and what is aimed at.

use std::fmt::Write;
use std::time::Duration;

/// One line of it.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) what: String,
    ours: String,
    limit: String,
    ratio: String,
    target: String,
    /// Whether the target was met, if there is one.
    met: Option<bool>,
}

/// What a measure found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    pub(crate) rows: Vec<Row>,
    /// What is worth knowing besides, a sentence each.
    pub(crate) notes: Vec<String>,
}

impl Row {
    /// A rate beside the rate of the limit; `ratio` is the median of those of all alternations.
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

    /// Something of which less is better, with a most.
    pub(crate) fn at_most(what: &str, ours: f64, most: f64, unit: &str) -> Self {
        Self {
            what: what.to_owned(),
            ours: format!("{} {unit}", number(ours)),
            limit: String::new(),
            ratio: String::new(),
            target: format!("≤ {} {unit}", number(most)),
            met: Some(ours <= most),
        }
    }

    /// Something that is only told.
    pub(crate) fn told(what: &str, ours: String) -> Self {
        let nothing = String::new;
        Self { what: what.to_owned(), ours, limit: nothing(), ratio: nothing(), target: nothing(), met: None }
    }

    /// How long answers took: the one in the middle, and the one that one in a hundred exceeds, of which less is better.
    pub(crate) fn latency(what: &str, p50: f64, p99: f64, most: Option<f64>) -> Self {
        let ours = format!("{}, {} ms", number(p50), number(p99));
        let told = Self::told(&format!("{what}: p50, p99"), ours);
        match most {
            Some(most) => {
                Self { target: format!("p99 ≤ {} ms", number(most)), met: Some(p99 <= most), ..told }
            }
            None => told,
        }
    }

    /// A rate beside the rate of the limit, which nothing is aimed at.
    pub(crate) fn told_rate(what: &str, ours: f64, limit: f64, ratio: f64) -> Self {
        Self::told(what, format!("{}/s", number(ours))).beside(format!("{}/s", number(limit)), ratio)
    }

    /// The same beside that limit.
    pub(crate) fn beside(self, limit: String, ratio: f64) -> Self {
        Self { limit, ratio: format!("{ratio:.2}"), ..self }
    }

    /// The same, judged by a ratio that is to be so much at most.
    pub(crate) fn ratio_at_most(self, ratio: f64, most: f64) -> Self {
        Self { target: format!("≤ {most}"), met: Some(ratio <= most), ratio: format!("{ratio:.2}"), ..self }
    }

    /// The same, judged by a ratio that is to be so much at least.
    pub(crate) fn ratio_at_least(self, ratio: f64, least: f64) -> Self {
        Self {
            target: format!("≥ {least}"), met: Some(ratio >= least), ratio: format!("{ratio:.2}"), ..self
        }
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

/// The table in Markdown, which can be read as text as well.
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

/// The one in the middle; of two, the lower one.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

/// Three digits that count.
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
    fn a_median_is_in_the_middle() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[4.0, 1.0]) - 1.0).abs() < f64::EPSILON);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn numbers_have_the_digits_that_count() {
        for (value, text) in
            [(0.4567, "0.46"), (45.67, "45.7"), (456.7, "457"), (45_678.9, "45,679"), (1.2e6, "1,200,000")]
        {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_missed_target_is_shown_and_no_more() {
        let row = Row::rate("x", 80.0, 100.0, 0.8, 0.9);
        let table = table(&[row]);
        assert!(
            table.contains("| x    | 80.0/s | 100/s |  ") || table.contains("| 0.80  | ≥ 0.9  | missed |"),
            "{table}"
        );
    }
}
