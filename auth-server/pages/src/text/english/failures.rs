//! What went wrong and what to do, in English.

use super::times::ahead;
use crate::text::number;
use crate::times::Span;
use crate::{AccountProblem, ErrorKind, PasswordProblem, RegisterProblem, SignInProblem};

const BUSY: &str = "We are very busy at the moment. Wait a few seconds and try again.";
const EXPIRED: &str = "This page was open for too long. Nothing is lost: try again.";

pub(super) fn sign_in_problem(problem: SignInProblem) -> String {
    match problem {
        SignInProblem::WrongEmailOrPassword => {
            "That e-mail address and password do not match. Try again.".to_owned()
        }
        SignInProblem::TryAgainIn { seconds } => too_many_attempts(seconds),
        SignInProblem::Busy => BUSY.to_owned(),
        SignInProblem::Expired => EXPIRED.to_owned(),
    }
}

pub(super) fn register_problem(problem: RegisterProblem, min_password_length: usize) -> String {
    match problem {
        RegisterProblem::AddressUnusable => "Enter an address like name@example.com.".to_owned(),
        RegisterProblem::AddressTaken => {
            "There is already an account with this address. Sign in, or use another address.".to_owned()
        }
        RegisterProblem::Password(problem) => password_problem(problem, min_password_length),
        RegisterProblem::Closed => {
            "You cannot create an account yourself. Ask the support of this service for one, then sign in."
                .to_owned()
        }
        RegisterProblem::TryAgainIn { seconds } => too_many_attempts(seconds),
        RegisterProblem::Busy => BUSY.to_owned(),
        RegisterProblem::Expired => EXPIRED.to_owned(),
    }
}

pub(super) fn account_problem(problem: AccountProblem, min_password_length: usize) -> String {
    match problem {
        AccountProblem::WrongCurrentPassword => "That is not your current password. Try again.".to_owned(),
        AccountProblem::NewPassword(problem) => password_problem(problem, min_password_length),
        AccountProblem::WrongPasswordToDelete => {
            "That is not your password. Your account is not deleted.".to_owned()
        }
        AccountProblem::TryAgainIn { seconds } => too_many_attempts(seconds),
        AccountProblem::Busy => BUSY.to_owned(),
        AccountProblem::Expired => EXPIRED.to_owned(),
    }
}

fn password_problem(problem: PasswordProblem, min_length: usize) -> String {
    match problem {
        PasswordProblem::TooShort => {
            format!("Use at least {length} characters.", length = number(",", min_length))
        }
        PasswordProblem::TooLong => "This password is too long. Use a shorter one.".to_owned(),
        PasswordProblem::Nul => "Use only characters that you can type.".to_owned(),
        PasswordProblem::Obvious => {
            "Choose a password that is not your e-mail address or the name of this service.".to_owned()
        }
        PasswordProblem::Common => {
            "This password is among those that are guessed first. Choose another one.".to_owned()
        }
    }
}

fn too_many_attempts(seconds: u64) -> String {
    format!("Too many attempts. Try again {}.", ahead(Span::to_wait(seconds)))
}

pub(super) fn error_title(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::UnknownApplication => "We do not know this application",
        ErrorKind::WrongRedirectUri => "This application is not set up correctly",
        ErrorKind::UnusableRequest => "The application's request is incomplete",
        ErrorKind::TwoCookies => "The cookies of this site are mixed up",
        ErrorKind::RequestExpired | ErrorKind::FormExpired => "This page is no longer current",
        ErrorKind::WrongReturnAddress => "We cannot take you to that address",
        ErrorKind::OtherSite => "This came from another website",
        ErrorKind::NotFound => "There is no page here",
        ErrorKind::UnusableForm => "We could not read the form",
        ErrorKind::TooManyRequests { .. } => "Too many attempts",
        ErrorKind::Unavailable => "We are very busy",
        ErrorKind::Internal => "Something went wrong on our side",
    }
}

pub(super) fn error_explanation(kind: ErrorKind) -> String {
    match kind {
        ErrorKind::UnknownApplication => "The link that brought you here is wrong or out of date. Go back to the application and start again.",
        ErrorKind::WrongRedirectUri => "It asked us to send you to an address that is not registered, so we stopped. Tell the application's support.",
        ErrorKind::UnusableRequest => "Go back to the application and start again. If this happens again, tell its support.",
        ErrorKind::TwoCookies => "Delete the cookies of this site in your browser, then try again.",
        ErrorKind::RequestExpired => "Go back to the application and start again. Nothing is lost.",
        ErrorKind::WrongReturnAddress => "It does not belong to this service. Go back to the page that you came from and try again.",
        ErrorKind::FormExpired => "It was open for too long, or your browser does not keep cookies. Open the page again, and allow cookies for this site.",
        ErrorKind::OtherSite => "To protect your account we did nothing. Open the page here and try again.",
        ErrorKind::NotFound => "Check the address, or go back to the page that you came from.",
        ErrorKind::UnusableForm => "Go back, reload the page and try again.",
        ErrorKind::TooManyRequests { seconds } => {
            return format!("Try again {}.", ahead(Span::to_wait(seconds)));
        }
        ErrorKind::Unavailable => "Wait a few seconds, then reload this page.",
        ErrorKind::Internal => "We have recorded it. Try again in a few minutes.",
    }
    .to_owned()
}

pub(super) fn error_detail(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::UnknownApplication => Some("client_id is missing, or no enabled client has it."),
        ErrorKind::WrongRedirectUri => {
            Some("redirect_uri is missing, or not exactly one that is registered for the client.")
        }
        ErrorKind::UnusableRequest => {
            Some("A parameter of the authorization request is missing, repeated or malformed.")
        }
        ErrorKind::RequestExpired => Some(
            "The authorization request or its request_uri has expired, was used, or began in another browser.",
        ),
        ErrorKind::WrongReturnAddress => Some("The origin of return_to is not listed in RETURN_ORIGINS."),
        ErrorKind::TwoCookies
        | ErrorKind::FormExpired
        | ErrorKind::OtherSite
        | ErrorKind::NotFound
        | ErrorKind::UnusableForm
        | ErrorKind::TooManyRequests { .. }
        | ErrorKind::Unavailable
        | ErrorKind::Internal => None,
    }
}
