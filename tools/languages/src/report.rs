//! The result as a table.

use std::fmt::Write;

use crate::services::Description;
use crate::sign_out::Latency;
use crate::throughput::Rates;

/// Differences that docs/languages.md explains: the service, and how the sentence begins.
const EXPLAINED: [(&str, &str); 2] = [
    // Servers for Rack join two headers with a comma, so a comma counts as two.
    ("orders", "two_tokens: 400"),
    ("orders", "json_serialization: 400"),
];

/// The p99 of the time from a sign-out to the first 401, in milliseconds.
const MAX_P99: f64 = 100.0;

/// What was found about one service.
pub(crate) struct Findings {
    /// The number of vectors.
    pub(crate) compared: usize,
    /// What it does differently from api-server, a sentence each.
    pub(crate) differences: Vec<String>,
    pub(crate) latency: Latency,
    pub(crate) rates: Rates,
}

/// What was found about all services.
#[derive(Default)]
pub(crate) struct Report {
    rows: String,
    differences: String,
    failed: bool,
}

impl Report {
    pub(crate) fn add(&mut self, service: &Description, findings: Findings) {
        let Findings { compared, differences, latency, rates } = findings;
        let is_explained = |text: &String| {
            EXPLAINED.iter().any(|(name, start)| *name == service.name && text.starts_with(start))
        };
        let (explained, differences): (Vec<_>, Vec<_>) = differences.into_iter().partition(is_explained);
        let Latency { p50, p99 } = latency;
        let Rates { guarded, unguarded } = rates;
        let mark = if p99 <= MAX_P99 { "met" } else { "missed" };
        let _ = writeln!(
            self.rows,
            "| {} (`{}`) | {compared} | {} | {} | {p50:.1} ms | {p99:.1} ms, {mark} | {guarded:.0} | {unguarded:.0} |",
            service.language,
            service.name,
            explained.len(),
            differences.len(),
        );
        self.failed |= !differences.is_empty() || p99 > MAX_P99;
        for (difference, mark) in explained
            .iter()
            .map(|text| (text, " (explained)"))
            .chain(differences.iter().map(|text| (text, "")))
        {
            let _ = writeln!(self.differences, "- {}: {difference}{mark}", service.name);
        }
    }

    /// Whether every service does what api-server does, soon enough after a sign-out.
    pub(crate) fn is_good(&self) -> bool {
        !self.failed
    }

    pub(crate) fn to_markdown(&self) -> String {
        let head = "| service | vectors | explained differences | others | sign-out to 401, p50 | p99 (at most 100 ms) \
                    | protected, requests/s | unprotected |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n";
        let mut text = format!("{head}{}", self.rows);
        if !self.differences.is_empty() {
            let _ = write!(text, "\nDifferences from api-server:\n\n{}", self.differences);
        }
        text
    }
}
