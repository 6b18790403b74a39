//! The steps of a schedule. A number names one of what exists, modulo how many there are; without any, nothing happens.

use proptest::prelude::*;

/// One step.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// The user signs in at the pages, in another browser.
    SignIn,
    /// The user signs out in one browser.
    SignOut(usize),
    /// The user allows an application, in one browser; it gets a code.
    Allow { browser: usize, application: usize, offline: bool },
    /// A code is redeemed `times` times at once.
    Redeem { code: usize, times: usize },
    /// A session is refreshed.
    Refresh(usize),
    /// An application revokes its refresh token.
    Revoke(usize),
    /// The user withdraws the consent to an application.
    Withdraw(usize),
    /// The user signs out everywhere.
    SignOutEverywhere,
    /// A minute passes: codes expire.
    Wait,
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let number = 0..8_usize;
    let allow = (number.clone(), 0..2_usize, any::<bool>());
    prop_oneof![
        3 => Just(Step::SignIn),
        2 => number.clone().prop_map(Step::SignOut),
        8 => allow.prop_map(|(browser, application, offline)| Step::Allow { browser, application, offline }),
        8 => (number.clone(), prop_oneof![6 => Just(1_usize), 1 => Just(3_usize)])
            .prop_map(|(code, times)| Step::Redeem { code, times }),
        5 => number.clone().prop_map(Step::Refresh),
        1 => number.prop_map(Step::Revoke),
        1 => (0..2_usize).prop_map(Step::Withdraw),
        1 => Just(Step::SignOutEverywhere),
        1 => Just(Step::Wait),
    ]
}
