//! The English texts.

use chrono::{DateTime, Utc};

use super::{
    AccountTexts, ApplicationsTexts, CommonTexts, ConsentTexts, DeleteTexts, DeviceTexts, DevicesTexts,
    ErrorTexts, FormPostTexts, InspectTexts, PasswordTexts, RegisterTexts, SelectAccountTexts, SignInTexts,
    SignedOutTexts, Texts, TimeTexts, number,
};
use crate::times::{Span, Unit};
use crate::{
    AccountNotice, AccountProblem, ErrorKind, PasswordProblem, RegisterProblem, SignInProblem,
    SignedOutReason, Verdict,
};

const BUSY: &str = "We are very busy at the moment. Wait a few seconds and try again.";
const EXPIRED: &str = "This page was open for too long. Nothing is lost: try again.";

pub(crate) static ENGLISH: Texts = Texts {
    common: CommonTexts {
        error: "Error:",
        email: "E-mail address",
        password: "Password",
        show: "Show",
        hide: "Hide",
        show_password: "Show password",
        hide_password: "Hide password",
        to_continue: ("to continue to ", ""),
        signed_in_as: "Signed in as",
        links: "More",
        thousands: ",",
    },
    time: TimeTexts { just_now: "just now", ago, ahead, on_date, exact },
    device: DeviceTexts {
        unknown: "Unknown device",
        program_on_system: |program, system| format!("{program} on {system}"),
    },
    sign_in: SignInTexts {
        title: "Sign in",
        submit: "Sign in",
        new_here: "New here?",
        register: "Create an account",
        problem: sign_in_problem,
    },
    register: RegisterTexts {
        title: "Create an account",
        submit: "Create account",
        password_hint: |length| {
            format!("At least {length} characters. Several words that you remember make a good password.")
        },
        have_account: "Already have an account?",
        sign_in: "Sign in",
        problem: register_problem,
        closed_title: "Accounts are by invitation",
    },
    consent: ConsentTexts {
        title: ("Allow ", ""),
        heading: ("Allow ", " to use your account?"),
        not_you: "Not you?",
        unknown_title: "Do you trust this application?",
        unknown: ("", " has not checked it. Continue only if you know it and started this yourself."),
        may: "It will be able to:",
        identity: "Recognise your account",
        email: "See your e-mail address",
        while_signed_in: "This lasts until you sign out.",
        until_taken_back: "This lasts until you take it back, even after you sign out.",
        take_back: ("You can take it back at any time in ", "."),
        account: "your account",
        allow: "Allow",
        cancel: "Cancel",
        goes_to: ("You will return to ", "."),
        goes_to_this_device: "You will return to a program on this device.",
        policy: ("Privacy policy of ", ""),
    },
    select_account: SelectAccountTexts {
        title: "Choose an account",
        continue_as: ("Continue as ", ""),
        other: "Use another account",
    },
    form_post: FormPostTexts {
        title: ("Return to ", ""),
        explanation: "One more step: continue to the application.",
        submit: "Continue",
    },
    account: ACCOUNT,
    inspect: INSPECT,
    signed_out: SignedOutTexts {
        title: |reason| match reason {
            SignedOutReason::SignedOut => "You are signed out",
            SignedOutReason::AccountDeleted => "Your account is deleted",
        },
        explanation: |reason| match reason {
            SignedOutReason::SignedOut => "Applications that you used while signed in are signed out too.",
            SignedOutReason::AccountDeleted => "You are signed out on all your devices.",
        },
        sign_in: "Sign in again",
    },
    error: ErrorTexts {
        title: error_title,
        explanation: error_explanation,
        for_developers: "For the developer of the application",
        detail: error_detail,
        request_id: "Quote this number if you ask for help:",
    },
};

const ACCOUNT: AccountTexts = AccountTexts {
    title: "Your account",
    skip: "Skip to content",
    sections: "Sections",
    sign_out: "Sign out",
    notice: |notice| match notice {
        AccountNotice::DeviceEnded => "That device is signed out.",
        AccountNotice::ApplicationWithdrawn => "That application can no longer use your account.",
        AccountNotice::PasswordChanged => "Your password is changed. Your other devices are signed out.",
    },
    problem: account_problem,
    devices: DevicesTexts {
        title: "Devices",
        explanation: "Where you are signed in. If you do not recognise one, sign it out and change your password.",
        this_device: "This device",
        near: "near the address",
        last_active: "last active",
        signed_in: "Signed in",
        end: "Sign out",
        empty: "No other devices. When you sign in on one, it appears here.",
        more: |count, number| match number {
            1 => "1 more, used longer ago, is not shown.".to_owned(),
            _ => format!("{count} more, used longer ago, are not shown."),
        },
    },
    applications: ApplicationsTexts {
        title: "Applications",
        explanation: "What you have allowed to use your account.",
        allowed: "Allowed",
        while_signed_in: "until you sign out",
        until_taken_back: "until you remove it",
        withdraw: "Remove access",
        empty: "No applications yet. When you allow one, it appears here.",
    },
    password: PasswordTexts {
        title: "Password",
        explanation: "Changing your password signs you out on all other devices.",
        current: "Current password",
        new: "New password",
        submit: "Change password",
    },
    delete: DeleteTexts {
        title: "Delete account",
        explanation: "Your account and all its sessions are deleted at once. This cannot be undone.",
        confirm: "Your password, to confirm",
        submit: "Delete my account",
    },
};

const INSPECT: InspectTexts = InspectTexts {
    title: "Inspect a token",
    explanation: "For developers: see what an access token says and whether this server accepts it.",
    token: "Access token",
    hint: "Three parts with dots between them. The token is checked, not stored, and not shown again.",
    submit: "Inspect",
    result: "Result",
    accepted: "Accepted",
    rejected: "Rejected",
    verdict: |verdict| match verdict {
        Verdict::Accepted => {
            "The signature, the issuer, the audience and the times are right, and the session is active."
        }
        Verdict::Expired => "The token has expired (exp). Get a new one with the refresh token.",
        Verdict::NotYetValid => {
            "The token is from the future (nbf or iat). Compare the clocks of both machines."
        }
        Verdict::SessionEnded => {
            "The session of the token was ended: by signing out, or by the user or an administrator."
        }
        Verdict::WrongSignature => {
            "The signature does not match. The token was changed, or signed with another key."
        }
        Verdict::UnknownKey => "No key of this server has this key id and algorithm (kid, alg).",
        Verdict::WrongIssuer => "Another server issued the token (iss).",
        Verdict::WrongAudience => "The token is for another API (aud).",
        Verdict::WrongType => {
            "This is not an access token (typ). Refresh tokens and ID tokens are for other uses."
        }
        Verdict::NotAToken => "This is not a signed JWT: three parts in base64url with dots between them.",
    },
    header: "Header",
    claims: "Claims",
    meaning,
};

fn sign_in_problem(problem: SignInProblem) -> String {
    match problem {
        SignInProblem::WrongEmailOrPassword => {
            "That e-mail address and password do not match. Try again.".to_owned()
        }
        SignInProblem::TryAgainIn { seconds } => too_many_attempts(seconds),
        SignInProblem::Busy => BUSY.to_owned(),
        SignInProblem::Expired => EXPIRED.to_owned(),
    }
}

fn register_problem(problem: RegisterProblem, min_password_length: usize) -> String {
    match problem {
        RegisterProblem::AddressUnusable => "Enter an address like name@example.com.".to_owned(),
        RegisterProblem::AddressTaken => {
            "There is already an account with this address. Sign in, or use another address.".to_owned()
        }
        RegisterProblem::Password(problem) => password_problem(problem, min_password_length),
        RegisterProblem::Closed => {
            "Accounts here are created by the operator. Ask for one, then sign in.".to_owned()
        }
        RegisterProblem::TryAgainIn { seconds } => too_many_attempts(seconds),
        RegisterProblem::Busy => BUSY.to_owned(),
        RegisterProblem::Expired => EXPIRED.to_owned(),
    }
}

fn account_problem(problem: AccountProblem, min_password_length: usize) -> String {
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
        PasswordProblem::TooLong => "Use a shorter password: at most 1,024 bytes.".to_owned(),
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

fn error_title(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::UnknownApplication => "We do not know this application",
        ErrorKind::WrongRedirectUri => "This application is not set up correctly",
        ErrorKind::UnusableRequest => "The application's request is incomplete",
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

fn error_explanation(kind: ErrorKind) -> String {
    match kind {
        ErrorKind::UnknownApplication => "The link that brought you here is wrong or out of date. Go back to the application and start again.",
        ErrorKind::WrongRedirectUri => "It asked us to send you to an address that is not registered, so we stopped. Tell the application's support.",
        ErrorKind::UnusableRequest => "Go back to the application and start again. If this happens again, tell its support.",
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

fn error_detail(kind: ErrorKind) -> Option<&'static str> {
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
        ErrorKind::FormExpired
        | ErrorKind::OtherSite
        | ErrorKind::NotFound
        | ErrorKind::UnusableForm
        | ErrorKind::TooManyRequests { .. }
        | ErrorKind::Unavailable
        | ErrorKind::Internal => None,
    }
}

fn meaning(name: &str) -> Option<&'static str> {
    Some(match name {
        "alg" => "Signature algorithm",
        "kid" => "Id of the key",
        "typ" => "Kind of token",
        "iss" => "Issuer",
        "sub" => "User",
        "aud" => "API that accepts it",
        "exp" => "Expires",
        "iat" => "Issued",
        "nbf" => "Not before",
        "jti" => "Id of the token",
        "sid" => "Session",
        "client_id" => "Application",
        "scope" => "Permissions",
        "auth_time" => "Signed in",
        "role" | "roles" => "Role of the user",
        "email" => "E-mail address",
        "amr" => "How the user signed in",
        "cnf" => "Key that the token is bound to",
        _ => return None,
    })
}

fn ago(span: Span) -> String {
    match (span.count, span.unit) {
        (1, Unit::Day) => "yesterday".to_owned(),
        _ => format!("{} ago", count(span)),
    }
}

fn ahead(span: Span) -> String {
    match (span.count, span.unit) {
        (1, Unit::Day) => "tomorrow".to_owned(),
        _ => format!("in {}", count(span)),
    }
}

fn count(Span { count, unit }: Span) -> String {
    let unit = match (unit, count) {
        (Unit::Second, 1) => "second",
        (Unit::Second, _) => "seconds",
        (Unit::Minute, 1) => "minute",
        (Unit::Minute, _) => "minutes",
        (Unit::Hour, 1) => "hour",
        (Unit::Hour, _) => "hours",
        (Unit::Day, 1) => "day",
        (Unit::Day, _) => "days",
    };
    format!("{count} {unit}")
}

fn on_date(time: DateTime<Utc>) -> String {
    format!("on {}", time.format("%-d %B %Y"))
}

fn exact(time: DateTime<Utc>) -> String {
    time.format("%-d %B %Y, %H:%M UTC").to_string()
}
