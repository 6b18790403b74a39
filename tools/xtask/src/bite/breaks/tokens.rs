//! Of tokens: keys, what is remembered of tokens, and the files that secrets are in.

use super::{Break, Catch, Edit, GOPTRI};

pub(super) const BREAKS: &[Break] = &[
    Break {
        name: "a key verifies whatever algorithm its token names",
        edits: &[Edit {
            file: "shared/src/keys/verifying_keys.rs",
            find: "if header.alg == key.algorithm_name() {",
            replace: "if !header.alg.is_empty() {",
        }],
        caught_by: &[
            Catch {
                suite: GOPTRI,
                test: "key_confusion::a_key_verifies_nothing_but_its_own_algorithm",
                says: &["that says it is"],
            },
            Catch {
                suite: GOPTRI,
                test: "key_confusion::a_token_maced_with_a_public_key_is_refused",
                says: &["left == right"],
            },
        ],
    },
    Break {
        name: "a remembered token is good until it expires, whatever has ended",
        edits: &[Edit {
            file: "shared/src/guard.rs",
            find: "self.check_ended(&claims)?;
            return Ok(claims);",
            replace: "return Ok(claims);",
        }],
        caught_by: &[Catch {
            suite: GOPTRI,
            test: "remembered::a_remembered_token_is_refused_from_the_moment_that_it_is_ended",
            says: &["left == right"],
        }],
    },
    Break {
        name: "a remembered token outlives its key",
        edits: &[
            Edit {
                file: "shared/src/token_cache.rs",
                find: "(verified.keys == keys).then_some(verified.claims)",
                replace: "(verified.keys <= keys).then_some(verified.claims)",
            },
            Edit {
                file: "shared/src/keys/known_keys.rs",
                find: "#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]",
                replace: "#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Default)]",
            },
        ],
        caught_by: &[Catch {
            suite: GOPTRI,
            test: "remembered::once_a_key_is_gone_no_token_of_it_passes_whatever_was_verified_meanwhile",
            says: &["left == right"],
        }],
    },
    Break {
        name: "a key that shows its private members is only left out",
        edits: &[Edit {
            file: "shared/src/keys/jwks.rs",
            find: "return Err(JwksError::PrivateMembers);",
            replace: "let _ = JwksError::PrivateMembers;",
        }],
        caught_by: &[
            Catch {
                suite: GOPTRI,
                test: "key_sets_refused::a_private_member_anywhere_refuses_the_whole_set",
                says: &["called `Result::unwrap_err()`"],
            },
            Catch {
                suite: GOPTRI,
                test: "keys_lost::private_members_are_told_as_an_error_also_after_other_failures",
                says: &["cannot be fetched"],
            },
        ],
    },
    Break {
        name: "tokens that name unknown keys make a request each",
        edits: &[Edit {
            file: "shared/src/keys/follower.rs",
            find: "sleep_until(began + self.pace.cool_down).await",
            replace: "sleep_until(began + self.pace.least).await",
        }],
        caught_by: &[Catch {
            suite: GOPTRI,
            test: "keys_wanted::ten_thousand_tokens_with_unknown_kids_make_no_request_before_the_cool_down_is_over",
            says: &["a stranger made it fetch"],
        }],
    },
    Break {
        name: "a file of secrets is used when it was seen once",
        edits: &[Edit {
            file: "settings/src/secret_files.rs",
            find: "seen_once.as_ref() == Some(&seen)",
            replace: "true",
        }],
        caught_by: &[Catch {
            suite: GOPTRI,
            test: "secret_files_half::what_was_seen_once_is_never_used_and_what_was_seen_twice_is",
            says: &["not whole, after reading"],
        }],
    },
    Break {
        name: "a file of secrets that was seen twice is read once more",
        edits: &[Edit {
            file: "settings/src/secret_files.rs",
            find: "let settings = Settings::having_looked_at(environment, looked);",
            replace: "let _ = looked;
    let settings = Settings::new(environment);",
        }],
        caught_by: &[Catch {
            suite: GOPTRI,
            test: "secret_files_half::what_was_seen_once_is_never_used_and_what_was_seen_twice_is",
            says: &["not whole, after reading"],
        }],
    },
];
