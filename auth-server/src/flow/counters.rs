//! What the flows around sessions count.

use auth_domain::EndReason;
use prometheus_client::registry::Registry;

use crate::error::{Failure, RefreshRefused, SignInRefused};
use crate::metrics::CounterByLabel;

/// Sign-ins, refreshes and sign-outs. Clones share the counters.
#[derive(Debug, Clone)]
pub struct SessionCounters {
    sign_ins: CounterByLabel,
    refreshes: CounterByLabel,
    sign_outs: CounterByLabel,
}

const RESULTS: [&str; 9] = [
    "signed_in",
    "unknown_user",
    "wrong_password",
    "password_too_long",
    "not_opened",
    "token_too_long",
    "too_many_attempts",
    "busy",
    "failed",
];

const VERDICTS: [&str; 12] = [
    "rotated",
    "same_successor",
    "forgiven",
    "theft",
    "disabled",
    "expired",
    "rejected",
    "overtaken",
    "unknown_session",
    "invalid_token",
    "contended",
    "failed",
];

impl SessionCounters {
    /// Shows the counters as `goptri_sign_ins`, `goptri_refreshes` and `goptri_sign_outs`, all from zero.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let by = |name, help, label, values: &[&'static str], registry: &mut Registry| {
            CounterByLabel::register(registry, name, help, label, values)
        };
        Self {
            sign_ins: by("sign_ins", "Attempts to sign in, by result", "result", &RESULTS, registry),
            refreshes: by("refreshes", "Attempts to refresh, by verdict", "verdict", &VERDICTS, registry),
            sign_outs: by("sign_outs", "Sign-outs, by scope", "scope", &["session", "everywhere"], registry),
        }
    }

    pub(super) fn sign_in<T>(&self, result: &Result<T, Failure<SignInRefused>>) {
        self.sign_ins.increment(match result {
            Ok(_) => "signed_in",
            Err(Failure::Refused(refused)) => match refused {
                SignInRefused::UnknownUser => "unknown_user",
                SignInRefused::WrongPassword(_) => "wrong_password",
                SignInRefused::PasswordTooLong => "password_too_long",
                SignInRefused::NotOpened(_) => "not_opened",
                SignInRefused::TokenTooLong(_) => "token_too_long",
                SignInRefused::TooManyAttempts(_) => "too_many_attempts",
            },
            Err(Failure::Hashing(error)) if error.is_busy() => "busy",
            Err(_) => "failed",
        });
    }

    /// A refresh that the store or the verdict allowed: one of the first three verdicts.
    pub(super) fn refreshed(&self, verdict: &'static str) {
        self.refreshes.increment(verdict);
    }

    pub(super) fn refresh_failed(&self, failure: &Failure<RefreshRefused>) {
        self.refreshes.increment(match failure {
            Failure::Refused(refused) => match refused {
                RefreshRefused::Token(_) => "invalid_token",
                RefreshRefused::UnknownSession => "unknown_session",
                RefreshRefused::Session(_) => "rejected",
                RefreshRefused::Overtaken { .. } => "overtaken",
                RefreshRefused::Ended(EndReason::Theft) => "theft",
                RefreshRefused::Ended(EndReason::Disabled) => "disabled",
                RefreshRefused::Ended(EndReason::Expired) => "expired",
                RefreshRefused::Contended | RefreshRefused::Unclear | RefreshRefused::MayBeOld => "contended",
            },
            Failure::Store(_) | Failure::Hashing(_) | Failure::Internal(_) => "failed",
        });
    }

    pub(super) fn signed_out(&self, everywhere: bool) {
        self.sign_outs.increment(if everywhere { "everywhere" } else { "session" });
    }
}
