//! `/inspect`, for developers.

use askama::Template;
use chrono::{DateTime, Utc};

use crate::language::Language;
use crate::page::{Frame, Page, Pages, Policy};
use crate::times::Moment;

/// The form of `/inspect`, which posts `token`, and what the token says. The page never repeats the token.
#[derive(Debug, Clone, Copy)]
pub struct Inspect<'a> {
    /// The field `csrf`.
    pub csrf: &'a str,
    /// The present time, for "in 5 minutes".
    pub now: DateTime<Utc>,
    /// The result for the posted token. `None`: only the form.
    pub inspection: Option<Inspection<'a>>,
}

/// What a token says, and whether this server accepts it.
#[derive(Debug, Clone, Copy)]
pub struct Inspection<'a> {
    /// Whether the token is accepted.
    pub verdict: Verdict,
    /// The members of the header. Empty if the text is not a token.
    pub header: &'a [Claim<'a>],
    /// The claims. Empty if the text is not a token.
    pub claims: &'a [Claim<'a>],
}

/// A member of a token's header, or one of its claims.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The name, such as `exp`. The page explains those that it knows.
    pub name: &'a str,
    /// The value.
    pub value: ClaimValue<'a>,
}

/// The value of a claim.
#[derive(Debug, Clone, Copy)]
pub enum ClaimValue<'a> {
    /// A text, or another value as JSON.
    Text(&'a str),
    /// A time (`exp`, `iat`, `nbf`, `auth_time`).
    Time(DateTime<Utc>),
}

/// Whether a token is accepted, and otherwise why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Accepted.
    Accepted,
    /// `exp` has passed.
    Expired,
    /// `nbf` or `iat` is in the future.
    NotYetValid,
    /// Its session was ended.
    SessionEnded,
    /// The signature does not match.
    WrongSignature,
    /// No key has the `kid` of the header, or the algorithm.
    UnknownKey,
    /// `iss` is another server.
    WrongIssuer,
    /// `aud` does not name an API of this server.
    WrongAudience,
    /// It is not an access token (`typ`).
    WrongType,
    /// The text is not a signed JWT.
    NotAToken,
}

impl Verdict {
    pub(crate) fn is_accepted(self) -> bool {
        self == Self::Accepted
    }
}

#[derive(Template)]
#[template(path = "inspect.html", whitespace = "minimize")]
struct InspectTemplate<'a> {
    frame: &'a Frame<'a>,
    view: &'a Inspect<'a>,
}

impl Pages {
    /// The page of `/inspect`.
    pub fn inspect(&self, language: Language, view: &Inspect<'_>) -> Page {
        self.page(language, Policy::new().with_forms_to(None), |frame| {
            InspectTemplate { frame, view }.render()
        })
    }
}

impl Inspect<'_> {
    fn moment(&self, frame: &Frame<'_>, time: &DateTime<Utc>) -> Moment {
        Moment::of(&frame.t.time, self.now, *time)
    }
}
