//! References to other variables in `.env`: `$NAME` and `${NAME}`.
//!
//! dotenvy ends `$NAME` at an underscore, misreads the text after it in quotes, and replaces a name that is not set, or
//! a lone `$`, with nothing. So dotenvy only gets `${NAME}` of variables that are set. Any other `$` is an error,
//! because it may be a part of a password.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::str::Chars;

use super::EnvironmentError;

/// The text with `${NAME}` for each reference, on the same lines. `is_set` returns whether the process has a variable.
pub(super) fn braced(text: &str, is_set: impl Fn(&str) -> bool) -> Result<String, EnvironmentError> {
    let mut scan =
        Scan { is_set, assigned: BTreeSet::new(), quote: None, out: String::with_capacity(text.len()) };
    for (index, line) in text.split_inclusive('\n').enumerate() {
        scan.line(line).map_err(|problem| problem.at(index + 1))?;
    }
    Ok(scan.out)
}

/// Why a `$` is rejected.
enum DollarError {
    LoneDollar,
    NotSet,
}

impl DollarError {
    fn at(&self, line: usize) -> EnvironmentError {
        match self {
            Self::LoneDollar => EnvironmentError::LoneDollar(line),
            Self::NotSet => EnvironmentError::NotSet(line),
        }
    }
}

struct Scan<F> {
    is_set: F,
    assigned: BTreeSet<String>,
    /// The quote that is open, also from one line to the next.
    quote: Option<char>,
    out: String,
}

impl<F: Fn(&str) -> bool> Scan<F> {
    fn line(&mut self, line: &str) -> Result<(), DollarError> {
        let starts_unquoted = self.quote.is_none();
        if starts_unquoted && line.trim_start().starts_with('#') {
            self.out.push_str(line);
            return Ok(());
        }
        let (mut before, mut chars) = (' ', line.chars().peekable());
        while let Some(c) = chars.next() {
            match (self.quote, c) {
                (None, '#') if before.is_whitespace() || before == '=' => {
                    self.out.push(c);
                    self.out.extend(chars.by_ref());
                }
                (None | Some('"'), '\\') => {
                    self.out.push(c);
                    self.out.extend(chars.next());
                }
                (None | Some('"'), '$') => self.reference(&mut chars)?,
                (None, '\'' | '"') => {
                    self.quote = Some(c);
                    self.out.push(c);
                }
                (Some(quote), _) if quote == c => {
                    self.quote = None;
                    self.out.push(c);
                }
                _ => self.out.push(c),
            }
            before = c;
        }
        // Set from the next line on.
        self.assigned.extend(assigned_name(line).filter(|_| starts_unquoted).map(str::to_owned));
        Ok(())
    }

    /// Reads the reference that follows a `$`.
    fn reference(&mut self, chars: &mut Peekable<Chars<'_>>) -> Result<(), DollarError> {
        let in_braces = chars.next_if_eq(&'{').is_some();
        let mut name = String::new();
        while let Some(c) = chars.next_if(|c| *c == '_' || c.is_ascii_alphanumeric()) {
            name.push(c);
        }
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(DollarError::LoneDollar);
        }
        if in_braces && chars.next_if_eq(&'}').is_none() {
            return Err(DollarError::LoneDollar);
        }
        if !self.assigned.contains(&name) && !(self.is_set)(&name) {
            return Err(DollarError::NotSet);
        }
        self.out.extend(["${", &name, "}"]);
        Ok(())
    }
}

/// The name that a line assigns, if it does.
fn assigned_name(line: &str) -> Option<&str> {
    let (name, _) = line.split_once('=')?;
    let name = name.trim();
    Some(
        name.strip_prefix("export")
            .filter(|rest| rest.starts_with(char::is_whitespace))
            .unwrap_or(name)
            .trim(),
    )
}
