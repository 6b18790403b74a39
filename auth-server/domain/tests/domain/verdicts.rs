//! All verdicts on a refresh token that was not rotated.

use auth_domain::{
    ClientId, Digest, EndReason, Generation, PresentedRefresh, RefreshPolicy, RefuseReason, SessionSnapshot,
    Verdict, judge, judge_unclear,
};
use chrono::TimeDelta;
use goptri_settings::Plain;

use crate::fixture::{jti, refresh_tokens, snapshot};

/// The input of [`judge`]. Times are relative to the moment of the judgement.
struct Situation {
    snapshot: SessionSnapshot,
    presented: PresentedRefresh,
    policy: RefreshPolicy,
}

impl Situation {
    /// The predecessor of generation 20 is presented a day after the rotation.
    fn late_retry() -> Self {
        let mut snapshot = snapshot();
        let day_ago = snapshot.now - TimeDelta::days(1);
        (snapshot.session.rotated_at, snapshot.session.last_used_at) = (day_ago, day_ago);
        snapshot.session.generation = generation(20);
        let policy = RefreshPolicy {
            rotation: true,
            grace: SECOND * 60,
            forgiveness: true,
            idle_lifetime: None,
            lifetime: None,
        };
        let token = refresh_tokens(None).mint(&snapshot.session, &jti()).unwrap();
        let mut presented = refresh_tokens(None).verify(&token, ClientId::built_in()).unwrap();
        presented.generation = generation(19);
        Self { snapshot, presented, policy }
    }

    fn rotated(&mut self, ago: TimeDelta) -> &mut Self {
        self.snapshot.session.rotated_at = self.snapshot.now - ago;
        self
    }

    /// The predecessor began.
    fn predecessor_began(&mut self, ago: TimeDelta) -> &mut Self {
        self.snapshot.session.previous_rotated_at = Some(self.snapshot.now - ago);
        self
    }

    fn predecessor_unknown(&mut self) -> &mut Self {
        self.snapshot.session.previous_rotated_at = None;
        self
    }

    /// The presented generation began.
    fn began(&mut self, ago: TimeDelta) -> &mut Self {
        self.presented.began = self.snapshot.now - ago;
        self
    }

    fn no_grace(&mut self) -> &mut Self {
        self.policy.grace = TimeDelta::zero();
        self
    }

    fn strict(&mut self) -> &mut Self {
        self.policy.forgiveness = false;
        self
    }

    fn without_rotation(&mut self) -> &mut Self {
        self.policy.rotation = false;
        self
    }

    fn presented(&mut self, number: i64) -> &mut Self {
        self.presented.generation = generation(number);
        self
    }

    fn current(&mut self, number: i64) -> &mut Self {
        self.snapshot.session.generation = generation(number);
        self
    }

    fn forgiven(&mut self, number: i64) -> &mut Self {
        self.snapshot.session.forgiven_generation = Some(generation(number));
        self
    }

    fn expires(&mut self, after: TimeDelta) -> &mut Self {
        self.snapshot.session.expires_at = Some(self.snapshot.now + after);
        self
    }

    /// Idle for this long, with an idle lifetime of one minute.
    fn idle(&mut self, ago: TimeDelta) -> &mut Self {
        self.policy.idle_lifetime = Some(SECOND * 60);
        self.snapshot.session.last_used_at = self.snapshot.now - ago;
        self
    }

    fn by_another_client(&mut self) -> &mut Self {
        self.presented.client_id = ClientId::new("printer".to_owned());
        self
    }

    fn with_another_jti(&mut self) -> &mut Self {
        self.presented.jti_hash = Digest::of(&Plain::new("6f1d".to_owned()));
        self
    }

    fn disabled(&mut self) -> &mut Self {
        self.snapshot.owner.disabled = true;
        self
    }
}

fn generation(number: i64) -> Generation {
    Generation::from_number(number).unwrap()
}

const MICRO: TimeDelta = TimeDelta::microseconds(1);
const SECOND: TimeDelta = TimeDelta::seconds(1);
const THEFT: Verdict = Verdict::End(EndReason::Theft);
const EXPIRED: Verdict = Verdict::End(EndReason::Expired);
const DISABLED: Verdict = Verdict::End(EndReason::Disabled);
const OTHER_CLIENT: Verdict = Verdict::Refuse(RefuseReason::OtherClient);
const OTHER_TOKEN: Verdict = Verdict::Refuse(RefuseReason::OtherToken);
const BEGAN_LATER: Verdict = Verdict::Refuse(RefuseReason::BeganLater);
const NEWER: Verdict = Verdict::Refuse(RefuseReason::Newer);

type Case = (&'static str, fn(&mut Situation) -> &mut Situation, Verdict);

#[track_caller]
fn assert_verdicts(table: &[Case]) {
    for (description, arrange, expected) in table {
        let mut given = Situation::late_retry();
        arrange(&mut given);
        assert_eq!(judge(&given.snapshot, &given.presented, &given.policy), *expected, "{description}");
    }
}

/// RT-04
#[test]
fn the_verdict_depends_on_how_many_generations_the_token_is_behind() {
    assert_verdicts(&[
        ("far newer", |f| f.presented(i64::from(u32::MAX)), NEWER),
        ("newer by one", |f| f.presented(21), NEWER),
        ("current", |f| f.presented(20), Verdict::TryAgain),
        (
            "current, long after its rotation",
            |f| f.presented(20).rotated(SECOND * 9_999_999).began(SECOND * 9_999_999),
            Verdict::TryAgain,
        ),
        ("the previous one, late", |f| f, Verdict::Forgive),
        ("two behind", |f| f.presented(18), THEFT),
        ("two behind, and only the current one is young", |f| f.presented(18).rotated(SECOND), THEFT),
        ("the very first of many", |f| f.presented(0), THEFT),
        ("the first, current", |f| f.current(0).presented(0), Verdict::TryAgain),
        ("the first, replaced and late", |f| f.current(1).presented(0), Verdict::Forgive),
        (
            "the first, within the grace",
            |f| f.current(1).presented(0).rotated(SECOND),
            Verdict::SameSuccessor,
        ),
        ("newer than the first", |f| f.current(0).presented(1), NEWER),
        ("the highest number", |f| f.current(i64::from(u32::MAX)).presented(0), THEFT),
    ]);
}

/// RT-05
#[test]
fn the_grace_ends_exactly_on_time_and_covers_only_the_predecessor() {
    assert_verdicts(&[
        ("at once", |f| f.rotated(TimeDelta::zero()), Verdict::SameSuccessor),
        ("a microsecond before the end", |f| f.rotated(SECOND * 60 - MICRO), Verdict::SameSuccessor),
        ("at the end", |f| f.rotated(SECOND * 60), Verdict::Forgive),
        ("a microsecond after the end", |f| f.rotated(SECOND * 60 + MICRO), Verdict::Forgive),
        ("rotated in the future", |f| f.rotated(SECOND * -9_999), Verdict::SameSuccessor),
        ("no grace, at once", |f| f.no_grace().rotated(TimeDelta::zero()), Verdict::Forgive),
        ("no grace, in the future", |f| f.no_grace().rotated(-SECOND), Verdict::Forgive),
        (
            "within the grace, and recently forgiven",
            |f| f.rotated(SECOND).forgiven(18),
            Verdict::SameSuccessor,
        ),
        ("within the grace, strict", |f| f.rotated(SECOND).strict(), Verdict::SameSuccessor),
        ("neither grace nor forgiveness", |f| f.no_grace().rotated(MICRO).strict(), THEFT),
    ]);
}

/// RT-05
#[test]
fn a_token_older_than_the_predecessor_is_rejected_for_the_rest_of_the_grace_and_is_theft_after_it() {
    fn retry_after(rest: TimeDelta) -> Verdict {
        Verdict::RetryAfter(rest)
    }
    assert_verdicts(&[
        (
            "two behind, at once",
            |f| f.presented(18).predecessor_began(TimeDelta::zero()),
            retry_after(SECOND * 60),
        ),
        ("two behind, later", |f| f.presented(18).predecessor_began(SECOND * 59), retry_after(SECOND)),
        (
            "a microsecond before the end",
            |f| f.presented(18).predecessor_began(SECOND * 60 - MICRO),
            retry_after(MICRO),
        ),
        ("at the end", |f| f.presented(18).predecessor_began(SECOND * 60), THEFT),
        ("replaced in the future", |f| f.presented(18).predecessor_began(-SECOND), retry_after(SECOND * 60)),
        (
            "its own beginning does not count",
            |f| f.presented(18).predecessor_began(SECOND * 60).began(TimeDelta::zero()),
            THEFT,
        ),
        (
            "unknown when it was replaced",
            |f| f.presented(18).predecessor_unknown().began(SECOND * 10),
            retry_after(SECOND * 50),
        ),
        ("unknown, at the end", |f| f.presented(18).predecessor_unknown().began(SECOND * 60), THEFT),
        ("three behind", |f| f.presented(17).began(SECOND * 10), retry_after(SECOND * 50)),
        (
            "three behind, a microsecond before the end",
            |f| f.presented(17).began(SECOND * 60 - MICRO),
            retry_after(MICRO),
        ),
        ("three behind, at the end", |f| f.presented(17).began(SECOND * 60), THEFT),
        ("three behind, from the future", |f| f.presented(17).began(-SECOND), retry_after(SECOND * 60)),
        (
            "three behind, and only the predecessor is young",
            |f| f.presented(17).predecessor_began(SECOND),
            THEFT,
        ),
        ("the very first of many", |f| f.presented(0).began(SECOND), retry_after(SECOND * 59)),
        ("no grace", |f| f.no_grace().presented(18).predecessor_began(-SECOND), THEFT),
        ("no grace, three behind", |f| f.no_grace().presented(17).began(-SECOND), THEFT),
        ("strict", |f| f.strict().presented(18).predecessor_began(SECOND), retry_after(SECOND * 59)),
        (
            "one was forgiven",
            |f| f.forgiven(18).presented(18).predecessor_began(SECOND),
            retry_after(SECOND * 59),
        ),
        (
            "without rotation",
            |f| f.without_rotation().presented(18).predecessor_began(SECOND),
            Verdict::TryAgain,
        ),
        ("disabled", |f| f.disabled().presented(18).predecessor_began(SECOND), DISABLED),
        ("expired", |f| f.expires(-SECOND).presented(18).predecessor_began(SECOND), EXPIRED),
    ]);
}

/// The database's clock may be set back, so only the row says whether a token is dated too late.
#[test]
fn a_token_that_is_dated_later_than_its_generation_began_is_rejected() {
    assert_verdicts(&[
        ("current", |f| f.presented(20).rotated(SECOND).began(SECOND), Verdict::TryAgain),
        ("current, dated later", |f| f.presented(20).rotated(SECOND).began(SECOND - MICRO), BEGAN_LATER),
        ("current, a day ahead", |f| f.presented(20).began(TimeDelta::days(-1)), BEGAN_LATER),
        (
            "current, before the clock was set back",
            |f| f.presented(20).rotated(-SECOND).began(-SECOND),
            Verdict::TryAgain,
        ),
        (
            "the previous one",
            |f| f.rotated(SECOND).predecessor_began(SECOND * 9).began(SECOND * 9),
            Verdict::SameSuccessor,
        ),
        ("the previous one, a day ahead", |f| f.rotated(SECOND).began(TimeDelta::days(-1)), BEGAN_LATER),
        (
            "the previous one, before the clock was set back",
            |f| f.rotated(SECOND).predecessor_began(-SECOND).began(-SECOND),
            Verdict::SameSuccessor,
        ),
        (
            "the previous one, if its beginning was not recorded",
            |f| f.rotated(SECOND).predecessor_unknown().began(SECOND),
            Verdict::SameSuccessor,
        ),
        ("without rotation", |f| f.without_rotation().presented(20).began(-SECOND), Verdict::TryAgain),
    ]);
}

#[test]
fn one_late_retry_in_eight_generations_is_forgiven() {
    assert_verdicts(&[
        ("never before", |f| f, Verdict::Forgive),
        ("this one", |f| f.forgiven(19), Verdict::SameSuccessor),
        ("nine before", |f| f.forgiven(10), Verdict::Forgive),
        ("ten before", |f| f.forgiven(9), Verdict::Forgive),
        ("a newer one, which is impossible", |f| f.forgiven(20), THEFT),
        ("strict", |f| f.strict(), THEFT),
        ("strict, after this one was forgiven", |f| f.strict().forgiven(19), THEFT),
        ("the first, which was forgiven", |f| f.current(1).presented(0).forgiven(0), Verdict::SameSuccessor),
        ("eight after the first", |f| f.current(9).presented(8).forgiven(0), THEFT),
        ("nine after the first", |f| f.current(10).presented(9).forgiven(0), Verdict::Forgive),
    ]);
    for before in 1..=8 {
        let mut given = Situation::late_retry();
        given.forgiven(19 - before);
        assert_eq!(
            judge(&given.snapshot, &given.presented, &given.policy),
            THEFT,
            "forgiven {before} before"
        );
    }
}

#[test]
fn without_rotation_an_old_token_is_not_theft_and_the_other_rules_apply() {
    assert_verdicts(&[
        ("the previous one", |f| f.without_rotation(), Verdict::TryAgain),
        ("the current one", |f| f.without_rotation().presented(20), Verdict::TryAgain),
        ("the very first", |f| f.without_rotation().presented(0), Verdict::TryAgain),
        ("a future one", |f| f.without_rotation().presented(21), Verdict::Refuse(RefuseReason::Newer)),
        ("past its end", |f| f.without_rotation().expires(-SECOND), EXPIRED),
    ]);
}

/// RT-06
#[test]
fn a_session_ends_exactly_at_its_absolute_or_idle_end() {
    assert_verdicts(&[
        ("a microsecond before", |f| f.expires(MICRO), Verdict::Forgive),
        ("at the end", |f| f.expires(TimeDelta::zero()), EXPIRED),
        ("after the end", |f| f.expires(-SECOND), EXPIRED),
        ("idle, a microsecond before", |f| f.idle(SECOND * 60 - MICRO), Verdict::Forgive),
        ("idle, at the end", |f| f.idle(SECOND * 60), EXPIRED),
        ("idle, after the end", |f| f.idle(SECOND * 61), EXPIRED),
        ("idle, used in the future", |f| f.idle(-SECOND), Verdict::Forgive),
        ("used, but past its end", |f| f.idle(SECOND).expires(-SECOND), EXPIRED),
        ("idle, long before its end", |f| f.idle(SECOND * 61).expires(SECOND * 9_999), EXPIRED),
    ]);
}

/// RT-07: another client, or a client without the session's `jti`, changes nothing in any situation.
#[test]
fn the_first_check_that_applies_decides() {
    assert_verdicts(&[
        ("another client's theft", |f| f.by_another_client().presented(3), OTHER_CLIENT),
        ("another client's retry", |f| f.by_another_client().rotated(SECOND), OTHER_CLIENT),
        ("another client and jti", |f| f.by_another_client().with_another_jti(), OTHER_CLIENT),
        ("another client, disabled", |f| f.by_another_client().disabled(), OTHER_CLIENT),
        ("another client, expired", |f| f.by_another_client().expires(-SECOND), OTHER_CLIENT),
        ("another jti, current", |f| f.with_another_jti().presented(20), OTHER_TOKEN),
        ("another jti's theft", |f| f.with_another_jti().presented(3), OTHER_TOKEN),
        ("another jti, disabled", |f| f.with_another_jti().disabled(), OTHER_TOKEN),
        ("another jti, expired", |f| f.with_another_jti().expires(-SECOND), OTHER_TOKEN),
        ("disabled, current", |f| f.disabled().presented(20), DISABLED),
        ("disabled, within the grace", |f| f.disabled().rotated(SECOND), DISABLED),
        ("disabled, a theft", |f| f.disabled().presented(3), DISABLED),
        ("disabled, newer", |f| f.disabled().presented(21), DISABLED),
        ("disabled, expired", |f| f.disabled().expires(-SECOND), DISABLED),
        ("expired, current", |f| f.expires(-SECOND).presented(20), EXPIRED),
        ("expired, within the grace", |f| f.expires(-SECOND).rotated(SECOND), EXPIRED),
        ("expired, a theft", |f| f.expires(-SECOND).presented(3), EXPIRED),
        ("expired, newer", |f| f.expires(-SECOND).presented(21), EXPIRED),
        ("idle, current", |f| f.idle(SECOND * 60).presented(20), EXPIRED),
    ]);
}

/// The server does not take its own first try for another holder of the token.
#[test]
fn a_rotation_that_was_sent_twice_is_neither_forgiven_nor_theft() {
    type Case = (&'static str, fn(&mut Situation) -> &mut Situation, Option<Verdict>);
    let table: &[Case] = &[
        ("the first try rotated", |f| f.rotated(SECOND), Some(Verdict::SameSuccessor)),
        ("without a grace", |f| f.no_grace().rotated(SECOND * 30 - MICRO), Some(Verdict::SameSuccessor)),
        ("without a grace, later", |f| f.no_grace().rotated(SECOND * 30), None),
        ("a longer grace", |f| f.rotated(SECOND * 60 - MICRO), Some(Verdict::SameSuccessor)),
        ("a late retry", |f| f, None),
        ("a late retry, strict", |f| f.strict(), None),
        ("a late retry that was forgiven before", |f| f.forgiven(19), Some(Verdict::SameSuccessor)),
        ("overtaken by another request", |f| f.presented(18).rotated(SECOND), None),
        ("current again", |f| f.presented(20), Some(Verdict::TryAgain)),
        ("newer", |f| f.presented(21), Some(NEWER)),
        ("of another client", |f| f.by_another_client(), Some(OTHER_CLIENT)),
        ("of a disabled user", |f| f.disabled(), Some(DISABLED)),
        ("of an expired session", |f| f.expires(-SECOND), Some(EXPIRED)),
    ];
    for (description, arrange, expected) in table {
        let mut given = Situation::late_retry();
        arrange(&mut given);
        let verdict = judge_unclear(&given.snapshot, &given.presented, &given.policy);
        assert_eq!(verdict, *expected, "{description}");
    }
}
