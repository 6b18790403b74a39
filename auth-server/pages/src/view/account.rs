//! `/account`.

use std::net::IpAddr;

use askama::Template;
use chrono::{DateTime, Utc};

use crate::device::{self, Kind};
use crate::language::Language;
use crate::network::network_of;
use crate::page::{Frame, Page, Pages, Policy};
use crate::times::Moment;
use crate::web_url::{Logo, WebUrl};
use crate::{AccessDuration, PasswordProblem};

/// The account of the signed-in user: devices, applications, password, deletion.
///
/// Each form posts to a path below `/account`: `/account/devices/end` (`id`), `/account/applications/withdraw`
/// (`client_id`), `/account/password` (`current_password`, `new_password`) and `/account/delete` (`password`).
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// The field `csrf` of each form.
    pub csrf: &'a str,
    /// The user's address.
    pub email: &'a str,
    /// The present time, for "5 minutes ago".
    pub now: DateTime<Utc>,
    /// Where the user is signed in. The page shows them in this order, and says how many `more_devices` there are.
    pub devices: &'a [Device<'a>],
    /// How many devices are not in `devices`.
    pub more_devices: usize,
    /// What the user has allowed.
    pub applications: &'a [AuthorizedApplication<'a>],
    /// The minimal length of a password, in characters.
    pub min_password_length: usize,
    /// What the last form did.
    pub notice: Option<AccountNotice>,
    /// Why the last form failed.
    pub problem: Option<AccountProblem>,
}

/// A device on which the user is signed in.
#[derive(Debug, Clone, Copy)]
pub struct Device<'a> {
    /// What "Sign out" posts as `id`.
    pub id: &'a str,
    /// The `User-Agent` of the request that signed in. The page says "Firefox on Linux".
    pub user_agent: Option<&'a str>,
    /// The client's address. The page shows only the network ("203.0.113.x").
    pub address: Option<IpAddr>,
    /// When the user signed in.
    pub signed_in: DateTime<Utc>,
    /// When the session was last used.
    pub last_active: DateTime<Utc>,
    /// It is the browser that shows the page.
    pub is_this_device: bool,
}

/// An application that the user has allowed to use the account.
#[derive(Debug, Clone)]
pub struct AuthorizedApplication<'a> {
    /// What "Remove access" posts as `client_id`.
    pub client_id: &'a str,
    /// The name.
    pub name: &'a str,
    /// The website.
    pub home: Option<WebUrl>,
    /// The logo.
    pub logo: Option<Logo>,
    /// The operator's descriptions of what it may do.
    pub permissions: &'a [&'a str],
    /// How long it keeps its access.
    pub lasts: AccessDuration,
    /// When the user allowed it.
    pub allowed: DateTime<Utc>,
}

/// What a form of the account page did. The handler redirects to `/account?done=…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountNotice {
    /// `device-ended`: the device is signed out.
    DeviceEnded,
    /// `application-withdrawn`: the application has no access any more.
    ApplicationWithdrawn,
    /// `password-changed`: the password is changed.
    PasswordChanged,
}

impl AccountNotice {
    const ALL: [Self; 3] = [Self::DeviceEnded, Self::ApplicationWithdrawn, Self::PasswordChanged];

    /// The value of the parameter `done`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DeviceEnded => "device-ended",
            Self::ApplicationWithdrawn => "application-withdrawn",
            Self::PasswordChanged => "password-changed",
        }
    }

    /// The notice with that value of the parameter `done`. `None`: there is none.
    pub fn parse(done: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.as_str() == done)
    }
}

/// Why a form of the account page failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountProblem {
    /// Changing the password: the current password is wrong.
    WrongCurrentPassword,
    /// Changing the password: the new password breaks a rule.
    NewPassword(PasswordProblem),
    /// Deleting the account: the password is wrong.
    WrongPasswordToDelete,
    /// Too many failed attempts.
    TryAgainIn {
        /// Until the next attempt.
        seconds: u64,
    },
    /// The server cannot check a password now.
    Busy,
    /// The CSRF token does not match: the page is old, or the browser has lost its cookie.
    Expired,
}

#[derive(Template)]
#[template(path = "account.html", whitespace = "minimize")]
struct AccountTemplate<'a> {
    frame: &'a Frame<'a>,
    view: &'a Account<'a>,
}

impl Pages {
    /// The page of `/account`.
    pub fn account(&self, language: Language, view: &Account<'_>) -> Page {
        let logos = view.applications.iter().filter_map(|application| application.logo.as_ref());
        let policy =
            logos.fold(Policy::new().with_forms_to(None), |policy, logo| policy.with_image(Some(logo)));
        self.page(language, policy, |frame| AccountTemplate { frame, view }.render())
    }
}

impl Device<'_> {
    fn name(&self, frame: &Frame<'_>) -> String {
        device::describe(&frame.t.device, self.user_agent)
    }

    fn kind(&self) -> Kind {
        device::kind(self.user_agent)
    }

    fn network(&self) -> Option<String> {
        self.address.map(network_of)
    }
}

impl Account<'_> {
    /// Show at most this many devices, so that the page stays small; the rest are `more_devices`.
    pub const MAX_DEVICES: usize = 15;

    fn notice_text(&self, frame: &Frame<'_>) -> &'static str {
        self.notice.map(frame.t.account.notice).unwrap_or_default()
    }

    fn problem_text(&self, frame: &Frame<'_>) -> String {
        let text = |problem| (frame.t.account.problem)(problem, self.min_password_length);
        self.problem.map(text).unwrap_or_default()
    }

    /// The id of the field that the problem is about; empty if it is about none.
    fn problem_field(&self) -> &'static str {
        match self.problem {
            Some(AccountProblem::WrongCurrentPassword) => "current-password",
            Some(AccountProblem::NewPassword(_)) => "new-password",
            Some(AccountProblem::WrongPasswordToDelete) => "delete-password",
            Some(AccountProblem::TryAgainIn { .. } | AccountProblem::Busy | AccountProblem::Expired)
            | None => "",
        }
    }

    /// The error of that field; empty if it has none.
    fn problem_of(&self, frame: &Frame<'_>, field: &str) -> String {
        if self.problem_field() == field { self.problem_text(frame) } else { String::new() }
    }

    fn moment(&self, frame: &Frame<'_>, time: &DateTime<Utc>) -> Moment {
        Moment::of(&frame.t.time, self.now, *time)
    }
}
