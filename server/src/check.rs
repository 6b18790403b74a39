//! What the `check` commands of both servers found, as text and as JSON.

use goptri_settings::SettingErrors;
use serde_json::{Map, Value, json};

/// The configuration, and one finding for each check.
#[derive(Debug)]
pub struct CheckReport {
    configuration: Result<(), SettingErrors>,
    findings: Vec<(&'static str, Finding)>,
}

/// The result of one check.
#[derive(Debug)]
pub struct Finding {
    ok: bool,
    sentence: String,
}

impl Finding {
    /// `sentence` describes the result.
    pub fn new(ok: bool, sentence: impl Into<String>) -> Self {
        Self { ok, sentence: sentence.into() }
    }
}

impl CheckReport {
    /// The result of reading the configuration, and each finding with the name that it has in the JSON.
    pub fn new<T>(configuration: Result<T, SettingErrors>, findings: Vec<(&'static str, Finding)>) -> Self {
        Self { configuration: configuration.map(drop), findings }
    }

    /// Whether the configuration can be used.
    pub fn has_valid_configuration(&self) -> bool {
        self.configuration.is_ok()
    }

    /// Whether a start would succeed.
    pub fn is_ok(&self) -> bool {
        self.has_valid_configuration() && self.findings.iter().all(|(_, finding)| finding.ok)
    }

    /// One line for each result, and one for each invalid setting.
    pub fn text(&self) -> String {
        let mut lines = match &self.configuration {
            Ok(()) => vec!["Configuration: no errors.".to_owned()],
            Err(SettingErrors(errors)) => {
                let settings = if errors.len() == 1 { "setting" } else { "settings" };
                let head = format!("Configuration: {} {settings} wrong.", errors.len());
                let errors = errors.iter().map(|error| format!("  {} {}", error.variable, error.problem));
                [head].into_iter().chain(errors).collect()
            }
        };
        lines.extend(self.findings.iter().map(|(_, finding)| finding.sentence.clone()));
        lines.join("\n")
    }

    /// `ok`, `configuration`, and the findings.
    pub fn json(&self) -> Value {
        let errors = self.configuration.as_ref().err().into_iter().flat_map(|SettingErrors(errors)| errors);
        let errors: Vec<_> =
            errors.map(|error| json!({ "variable": error.variable, "problem": error.problem })).collect();
        let finding = |(name, finding): &(&'static str, Finding)| {
            ((*name).to_owned(), json!({ "ok": finding.ok, "description": finding.sentence }))
        };
        let mut report = Map::new();
        report.insert("ok".to_owned(), self.is_ok().into());
        report.insert(
            "configuration".to_owned(),
            json!({ "ok": self.has_valid_configuration(), "errors": errors }),
        );
        report.extend(self.findings.iter().map(finding));
        report.into()
    }
}
