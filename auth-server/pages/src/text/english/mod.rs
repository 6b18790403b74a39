//! The English texts.

mod developers;
mod failures;
mod times;

use super::{
    AccountTexts, ApplicationsTexts, CommonTexts, ConsentTexts, DeleteTexts, DeviceTexts, DevicesTexts,
    ErrorTexts, FormPostTexts, PasswordTexts, RegisterTexts, SelectAccountTexts, SignInTexts, SignedOutTexts,
    Texts, TimeTexts,
};
use crate::{AccountNotice, SignedOutReason};
use developers::INSPECT;
use failures::{
    account_problem, error_detail, error_explanation, error_title, register_problem, sign_in_problem,
};
use times::{ago, ahead, exact, on_date};

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
        explanation: "The applications that may use your account.",
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
        explanation: "Your account is deleted immediately, and you are signed out everywhere. This cannot be undone.",
        confirm: "Your password, to confirm",
        submit: "Delete my account",
    },
};
