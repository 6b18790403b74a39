//! The table of all vectors, with the expected outcome of each.

mod accepted;
mod audience_and_issuer;
mod compact_form;
mod header;
mod json;
mod member_names;
mod other_claims;
mod revoked;
mod signatures;
mod subject;
mod times;
mod wrong_keys;

use goptri::TokenError;

/// One line of the table.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) token: String,
    /// `None`: it is accepted.
    pub(crate) expected: Option<TokenError>,
}

/// Collects lines.
#[derive(Default)]
struct Cases(Vec<Case>);

impl Cases {
    fn accept(&mut self, name: impl Into<String>, about: impl Into<String>, token: String) {
        self.0.push(Case { name: name.into(), about: about.into(), token, expected: None });
    }

    fn reject(
        &mut self,
        error: TokenError,
        name: impl Into<String>,
        about: impl Into<String>,
        token: String,
    ) {
        self.0.push(Case { name: name.into(), about: about.into(), token, expected: Some(error) });
    }
}

/// All lines. Times that matter are relative to `now`.
pub(crate) fn cases(now: i64) -> Vec<Case> {
    let mut cases = Cases::default();
    accepted::add(&mut cases);
    times::add(&mut cases, now);
    revoked::add(&mut cases);
    audience_and_issuer::add(&mut cases);
    subject::add(&mut cases);
    other_claims::add(&mut cases);
    header::add(&mut cases);
    signatures::add(&mut cases);
    wrong_keys::add(&mut cases);
    compact_form::add(&mut cases);
    member_names::add(&mut cases);
    json::add(&mut cases);
    cases.0
}
