//! How commands print: text, or JSON for scripts.

use std::io::{ErrorKind, Write};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::CliError;

/// Text or JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    Json,
}

impl Format {
    /// Prints the result of a command.
    pub(super) fn print(self, text: &str, json: &Value) -> Result<(), CliError> {
        let line = match self {
            Self::Text => text,
            Self::Json => &sorted(json),
        };
        write_out(&format!("{line}\n")).map(|_| ())
    }

    /// Prints a remark to standard error; nothing as JSON.
    pub(super) fn note(self, remark: &str) {
        if self == Self::Text {
            // A remark that no one reads is no reason to fail.
            let _ = writeln!(std::io::stderr(), "{remark}");
        }
    }
}

/// The members of each object in alphabetical order, also if another crate enables `preserve_order` of `serde_json`.
fn sorted(json: &Value) -> String {
    let mut json = json.clone();
    json.sort_all_objects();
    json.to_string()
}

/// A row of a list: the cells of the table, and the JSON object.
pub(super) struct Row {
    pub(super) cells: Vec<String>,
    pub(super) json: Value,
}

/// A list that is printed page by page: a table with headers, or a JSON array.
pub(super) struct List {
    format: Format,
    headers: &'static [&'static str],
    widths: Vec<usize>,
    printed: bool,
}

impl List {
    pub(super) fn new(format: Format, headers: &'static [&'static str]) -> Self {
        Self { format, headers, widths: Vec::new(), printed: false }
    }

    /// Prints some rows. Returns whether the reader wants more: `head` closes the pipe once it has enough.
    ///
    /// The columns are as wide as the first page needs.
    pub(super) fn print(&mut self, rows: &[Row]) -> Result<bool, CliError> {
        let mut text = String::new();
        for row in rows {
            match self.format {
                Format::Json => {
                    text.push_str(if self.printed { ",\n" } else { "[" });
                    text.push_str(&sorted(&row.json));
                }
                Format::Text => {
                    if !self.printed {
                        self.widths = widths(self.headers, rows);
                        text.push_str(&self.line(self.headers.iter().copied()));
                    }
                    text.push_str(&self.line(row.cells.iter().map(String::as_str)));
                }
            }
            self.printed = true;
        }
        write_out(&text)
    }

    /// Ends the list. An empty table is printed as the sentence `if_empty`.
    pub(super) fn finish(self, if_empty: &str) -> Result<(), CliError> {
        let end = match (self.format, self.printed) {
            (Format::Json, true) => "]\n",
            (Format::Json, false) => "[]\n",
            (Format::Text, true) => "",
            (Format::Text, false) => &format!("{if_empty}\n"),
        };
        write_out(end).map(|_| ())
    }

    fn line<'a>(&self, cells: impl Iterator<Item = &'a str>) -> String {
        let padded: Vec<_> = cells.zip(&self.widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
        format!("{}\n", padded.join("  ").trim_end())
    }
}

fn widths(headers: &[&str], rows: &[Row]) -> Vec<usize> {
    let widest = |(column, header): (usize, &&str)| {
        let cells = rows.iter().map(|row| row.cells[column].chars().count());
        cells.chain([header.len()]).max().unwrap_or_default()
    };
    headers.iter().enumerate().map(widest).collect()
}

fn write_out(text: &str) -> Result<bool, CliError> {
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true).map_err(CliError::io),
    }
}

/// A time in a table: to the minute, in UTC.
pub(super) fn minute(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M").to_string()
}

/// `1 session`, `2 sessions`.
pub(super) fn count(number: u64, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}
