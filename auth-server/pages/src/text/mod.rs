//! The texts of the pages. Each language fills the same structs, so the compiler finds a missing text.
//!
//! A pair is a sentence around a name: what comes before it and what comes after.

mod english;
mod german;

use chrono::{DateTime, Utc};

pub(crate) use english::ENGLISH;
pub(crate) use german::GERMAN;

use crate::times::Span;
use crate::{
    AccountNotice, AccountProblem, ErrorKind, RegisterProblem, SignInProblem, SignedOutReason, Verdict,
};

/// A sentence around a name.
pub(crate) type Around = (&'static str, &'static str);

pub(crate) struct Texts {
    pub(crate) common: CommonTexts,
    pub(crate) time: TimeTexts,
    pub(crate) device: DeviceTexts,
    pub(crate) sign_in: SignInTexts,
    pub(crate) register: RegisterTexts,
    pub(crate) consent: ConsentTexts,
    pub(crate) select_account: SelectAccountTexts,
    pub(crate) form_post: FormPostTexts,
    pub(crate) account: AccountTexts,
    pub(crate) inspect: InspectTexts,
    pub(crate) signed_out: SignedOutTexts,
    pub(crate) error: ErrorTexts,
}

pub(crate) struct CommonTexts {
    /// Begins the title of a page with an error, and is read before the error of a field.
    pub(crate) error: &'static str,
    pub(crate) email: &'static str,
    pub(crate) password: &'static str,
    /// The button at a password, and its accessible names.
    pub(crate) show: &'static str,
    pub(crate) hide: &'static str,
    pub(crate) show_password: &'static str,
    pub(crate) hide_password: &'static str,
    /// "to continue to APP".
    pub(crate) to_continue: Around,
    pub(crate) signed_in_as: &'static str,
    pub(crate) links: &'static str,
    /// Inserted between groups of three digits.
    pub(crate) thousands: &'static str,
}

pub(crate) struct TimeTexts {
    pub(crate) just_now: &'static str,
    pub(crate) ago: fn(Span) -> String,
    pub(crate) ahead: fn(Span) -> String,
    /// "on 12 March 2026".
    pub(crate) on_date: fn(DateTime<Utc>) -> String,
    /// "12 March 2026, 14:05 UTC".
    pub(crate) exact: fn(DateTime<Utc>) -> String,
}

pub(crate) struct DeviceTexts {
    pub(crate) unknown: &'static str,
    pub(crate) program_on_system: fn(&str, &str) -> String,
}

pub(crate) struct SignInTexts {
    pub(crate) title: &'static str,
    pub(crate) submit: &'static str,
    pub(crate) new_here: &'static str,
    pub(crate) register: &'static str,
    pub(crate) problem: fn(SignInProblem) -> String,
}

pub(crate) struct RegisterTexts {
    pub(crate) title: &'static str,
    pub(crate) submit: &'static str,
    pub(crate) password_hint: fn(usize) -> String,
    pub(crate) have_account: &'static str,
    pub(crate) sign_in: &'static str,
    /// The second value: the minimal length of a password.
    pub(crate) problem: fn(RegisterProblem, usize) -> String,
    pub(crate) closed_title: &'static str,
}

pub(crate) struct ConsentTexts {
    pub(crate) title: Around,
    /// Asks whether to let the application in, as heading.
    pub(crate) heading: Around,
    pub(crate) not_you: &'static str,
    pub(crate) unknown_title: &'static str,
    /// Around the name of the operator.
    pub(crate) unknown: Around,
    pub(crate) may: &'static str,
    pub(crate) identity: &'static str,
    pub(crate) email: &'static str,
    pub(crate) while_signed_in: &'static str,
    pub(crate) until_taken_back: &'static str,
    /// Around the link to the account page.
    pub(crate) take_back: Around,
    pub(crate) account: &'static str,
    pub(crate) allow: &'static str,
    pub(crate) cancel: &'static str,
    /// Around the host to which the response goes.
    pub(crate) goes_to: Around,
    pub(crate) goes_to_this_device: &'static str,
    /// The link to the privacy policy of the application.
    pub(crate) policy: Around,
}

pub(crate) struct SelectAccountTexts {
    pub(crate) title: &'static str,
    /// Around the address.
    pub(crate) continue_as: Around,
    pub(crate) other: &'static str,
}

pub(crate) struct FormPostTexts {
    /// Around the name of the application.
    pub(crate) title: Around,
    pub(crate) explanation: &'static str,
    pub(crate) submit: &'static str,
}

pub(crate) struct AccountTexts {
    pub(crate) title: &'static str,
    pub(crate) skip: &'static str,
    pub(crate) sections: &'static str,
    pub(crate) sign_out: &'static str,
    pub(crate) notice: fn(AccountNotice) -> &'static str,
    /// The second value: the minimal length of a password.
    pub(crate) problem: fn(AccountProblem, usize) -> String,
    pub(crate) devices: DevicesTexts,
    pub(crate) applications: ApplicationsTexts,
    pub(crate) password: PasswordTexts,
    pub(crate) delete: DeleteTexts,
}

pub(crate) struct DevicesTexts {
    pub(crate) title: &'static str,
    pub(crate) explanation: &'static str,
    pub(crate) this_device: &'static str,
    pub(crate) near: &'static str,
    pub(crate) last_active: &'static str,
    pub(crate) signed_in: &'static str,
    pub(crate) end: &'static str,
    pub(crate) empty: &'static str,
    pub(crate) more: fn(&str, usize) -> String,
}

pub(crate) struct ApplicationsTexts {
    pub(crate) title: &'static str,
    pub(crate) explanation: &'static str,
    pub(crate) allowed: &'static str,
    pub(crate) while_signed_in: &'static str,
    pub(crate) until_taken_back: &'static str,
    pub(crate) withdraw: &'static str,
    pub(crate) empty: &'static str,
}

pub(crate) struct PasswordTexts {
    pub(crate) title: &'static str,
    pub(crate) explanation: &'static str,
    pub(crate) current: &'static str,
    pub(crate) new: &'static str,
    pub(crate) submit: &'static str,
}

pub(crate) struct DeleteTexts {
    pub(crate) title: &'static str,
    pub(crate) explanation: &'static str,
    pub(crate) confirm: &'static str,
    pub(crate) submit: &'static str,
}

pub(crate) struct InspectTexts {
    pub(crate) title: &'static str,
    pub(crate) explanation: &'static str,
    pub(crate) token: &'static str,
    pub(crate) hint: &'static str,
    pub(crate) submit: &'static str,
    pub(crate) result: &'static str,
    pub(crate) accepted: &'static str,
    pub(crate) rejected: &'static str,
    pub(crate) verdict: fn(Verdict) -> &'static str,
    pub(crate) header: &'static str,
    pub(crate) claims: &'static str,
    /// What a claim or a header member means, for those that Goptri issues.
    pub(crate) meaning: fn(&str) -> Option<&'static str>,
}

pub(crate) struct SignedOutTexts {
    pub(crate) title: fn(SignedOutReason) -> &'static str,
    pub(crate) explanation: fn(SignedOutReason) -> &'static str,
    pub(crate) sign_in: &'static str,
}

pub(crate) struct ErrorTexts {
    pub(crate) title: fn(ErrorKind) -> &'static str,
    pub(crate) explanation: fn(ErrorKind) -> String,
    pub(crate) for_developers: &'static str,
    /// For the developer of the application that sent the user here.
    pub(crate) detail: fn(ErrorKind) -> Option<&'static str>,
    pub(crate) request_id: &'static str,
}

/// A number with the separator of its language.
pub(crate) fn number(thousands: &str, number: usize) -> String {
    let digits = number.to_string();
    let mut output = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            output.push_str(thousands);
        }
        output.push(digit);
    }
    output
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_in_groups_of_three_digits() {
        for (value, expected) in [(0, "0"), (999, "999"), (1_024, "1.024"), (1_234_567, "1.234.567")] {
            assert_eq!(number(".", value), expected);
        }
    }
}
