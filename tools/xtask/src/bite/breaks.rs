//! The table: what is broken on purpose, and which tests must notice. An edit names text that occurs exactly once, so
//! that the table cannot outlive the code it is about.

/// One way to break a promise.
pub(crate) struct Break {
    /// What is wrong then, in words.
    pub(crate) name: &'static str,
    pub(crate) edits: &'static [Edit],
    pub(crate) caught_by: &'static [Catch],
}

/// A text in a file, and what is put in its place.
pub(crate) struct Edit {
    pub(crate) file: &'static str,
    pub(crate) find: &'static str,
    pub(crate) replace: &'static str,
}

/// A test that must fail, and a piece of what it must say then; a race has more than one end.
pub(crate) struct Catch {
    pub(crate) suite: Suite,
    pub(crate) test: &'static str,
    pub(crate) says: &'static [&'static str],
}

/// A package and one of its test programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Suite {
    pub(crate) package: &'static str,
    pub(crate) program: &'static str,
}

const API: Suite = Suite { package: "auth-server", program: "api" };
const POSTGRES_STORE: Suite = Suite { package: "store-postgres", program: "store" };
const GOPTRI: Suite = Suite { package: "goptri", program: "goptri" };
const SQLITE_STORE: Suite = Suite { package: "store-sqlite", program: "store" };

const JUDGE: &str = "auth-server/domain/src/judge.rs";
const POSTGRES_ROTATING: &str = "auth-server/store-postgres/src/rotating.rs";
const POSTGRES_REVOCATIONS: &str = "auth-server/store-postgres/src/revocations.rs";
const SQLITE_ROTATING: &str = "auth-server/store-sqlite/src/rotating.rs";
const SQLITE_REVOCATIONS: &str = "auth-server/store-sqlite/src/revocations.rs";

const LOGGED_OUT_ON_SQLITE: &str = "model::nobody_is_logged_out_by_accident::on_sqlite";
const LOGGED_OUT_ON_POSTGRES: &str = "model::nobody_is_logged_out_by_accident::on_postgres";
const RACED: &[&str] = &["not one successor for all", "somebody was logged out by accident"];
const ONE_ROTATES: &str = "conformance::races::of_many_rotations_of_one_token_exactly_one_rotates";
const STARTS_OVER: &str = "conformance::recording::a_cursor_that_this_database_never_gave_starts_over";
const PROMOTED: &str = "lives::who_reads_on_at_a_standby_that_was_promoted_starts_over";
const LIFE_ENDED: &str =
    "lives::a_cursor_ends_with_the_life_of_its_server_whether_that_is_started_anew_or_recovers";
const NONE_ENDS_MORE: &str =
    "conformance::surplus::of_many_who_sign_in_at_once_none_ends_more_than_is_surplus";
const THIEF_ON_SQLITE: &str = "model::a_thief_is_noticed_the_second_time::on_sqlite";
const THIEF_ON_POSTGRES: &str = "model::a_thief_is_noticed_the_second_time::on_postgres";

const LOGGED_OUT: &[Catch] = &[
    Catch { suite: API, test: LOGGED_OUT_ON_SQLITE, says: &["somebody was logged out by accident"] },
    Catch { suite: API, test: LOGGED_OUT_ON_POSTGRES, says: &["somebody was logged out by accident"] },
];
const UNNOTICED: &[Catch] = &[
    Catch { suite: API, test: THIEF_ON_SQLITE, says: &["the thief was not noticed"] },
    Catch { suite: API, test: THIEF_ON_POSTGRES, says: &["the thief was not noticed"] },
];

const LATE_COMMIT: &[Catch] = &[Catch {
    suite: POSTGRES_STORE,
    test: "conformance::recording::what_commits_late_is_read_all_the_same",
    says: &["what committed late is missing"],
}];

pub(crate) const BREAKS: &[Break] = &[
    Break {
        name: "every late retry is forgiven",
        edits: &[Edit {
            file: JUDGE,
            find: "Some(..=GENERATIONS_PER_FORGIVENESS) => Verdict::End(End::Theft),",
            replace: "Some(..=GENERATIONS_PER_FORGIVENESS) => Verdict::Forgive,",
        }],
        caught_by: UNNOTICED,
    },
    Break {
        name: "the grace covers a grandparent",
        edits: &[Edit {
            file: JUDGE,
            find: "2.. => Verdict::End(End::Theft),",
            replace: "2 if *now - session.rotated_at < policy.grace => Verdict::SameSuccessor,
        2.. => Verdict::End(End::Theft),",
        }],
        caught_by: UNNOTICED,
    },
    Break {
        name: "Postgres reads, then writes",
        edits: &[
            Edit {
                file: POSTGRES_ROTATING,
                find: "let rotated = sqlx::query_as!(",
                replace: "match as_it_is(connection, self.shift(), presented.key).await? {
                    Some(row) if row.generation == presented.generation.number() => {}
                    other => return Ok((false, other)),
                }
                let rotated = sqlx::query_as!(",
            },
            Edit {
                file: POSTGRES_ROTATING,
                find: "and s.generation = $4 and",
                replace: "and s.generation >= $4 and",
            },
            Edit {
                file: POSTGRES_ROTATING,
                find: "and s.generation = f.generation and",
                replace: "and s.generation >= f.generation and",
            },
        ],
        caught_by: &[
            Catch { suite: API, test: LOGGED_OUT_ON_POSTGRES, says: RACED },
            Catch {
                suite: API,
                test: "refreshing::of_a_hundred_refreshes_at_once_all_get_the_one_successor::on_postgres",
                says: &["not one successor for all"],
            },
            Catch { suite: POSTGRES_STORE, test: ONE_ROTATES, says: &["left == right"] },
        ],
    },
    Break {
        name: "SQLite reads, then writes",
        edits: &[
            Edit {
                file: SQLITE_ROTATING,
                find: "let (rotated, row) = self",
                replace: "let found =
            self.read(async |connection| as_it_is(connection, self.now(), presented.key).await).await?;
        match found {
            Some(row) if row.generation == presented.generation.number() => {}
            Some(row) => return Ok(Rotation::NotCurrent(row.try_into()?)),
            None => return Ok(Rotation::Unknown),
        }
        let (rotated, row) = self",
            },
            Edit {
                file: SQLITE_ROTATING,
                find: "and generation = ?4 and",
                replace: "and generation >= ?4 and",
            },
            Edit {
                file: SQLITE_ROTATING,
                find: "and sessions.generation = asked.generation and",
                replace: "and sessions.generation >= asked.generation and",
            },
        ],
        caught_by: &[
            Catch { suite: API, test: LOGGED_OUT_ON_SQLITE, says: RACED },
            Catch {
                suite: API,
                test: "refreshing::of_a_hundred_refreshes_at_once_all_get_the_one_successor::on_sqlite",
                says: &["not one successor for all"],
            },
            Catch { suite: SQLITE_STORE, test: ONE_ROTATES, says: &["left == right"] },
        ],
    },
    Break {
        name: "no late retry is forgiven",
        edits: &[Edit {
            file: JUDGE,
            find: "None | Some(_) => Verdict::Forgive,",
            replace: "None | Some(_) => Verdict::End(End::Theft),",
        }],
        caught_by: LOGGED_OUT,
    },
    Break {
        name: "the same late retry is forgiven only once",
        edits: &[Edit {
            file: JUDGE,
            find: "Some(0) => Verdict::SameSuccessor,",
            replace: "Some(0) => Verdict::End(End::Theft),",
        }],
        caught_by: LOGGED_OUT,
    },
    Break {
        name: "one generation more must pass before the next forgiveness",
        edits: &[Edit {
            file: JUDGE,
            find: "const GENERATIONS_PER_FORGIVENESS: i64 = 8;",
            replace: "const GENERATIONS_PER_FORGIVENESS: i64 = 9;",
        }],
        caught_by: LOGGED_OUT,
    },
    Break {
        name: "one generation less must pass before the next forgiveness",
        edits: &[Edit {
            file: JUDGE,
            find: "const GENERATIONS_PER_FORGIVENESS: i64 = 8;",
            replace: "const GENERATIONS_PER_FORGIVENESS: i64 = 7;",
        }],
        caught_by: UNNOTICED,
    },
    Break {
        name: "only what is later than the grace has the same successor at once",
        edits: &[Edit { file: JUDGE, find: "if age < policy.grace {", replace: "if age > policy.grace {" }],
        caught_by: LOGGED_OUT,
    },
    Break {
        name: "a refresh is two statements",
        edits: &[Edit {
            file: POSTGRES_ROTATING,
            find: "let rotated = sqlx::query_as!(",
            replace: "sqlx::raw_sql(\"begin; commit\").execute(&mut *connection).await?;
                let rotated = sqlx::query_as!(",
        }],
        caught_by: &[
            Catch { suite: API, test: "refreshing::a_refresh_is_one_statement", says: &["not one for each"] },
            Catch {
                suite: POSTGRES_STORE,
                test: "statements::every_verb_of_a_sessions_life_is_one_statement",
                says: &["not one statement"],
            },
        ],
    },
    Break {
        name: "pages have no room for another version of a row",
        edits: &[Edit {
            file: "migrations/postgres/0001_people_and_sessions.sql",
            find: "with (fillfactor = 80)",
            replace: "with (fillfactor = 100)",
        }],
        caught_by: &[Catch {
            suite: POSTGRES_STORE,
            test: "growth::refreshing_every_session_twenty_times_is_hot_and_makes_nothing_larger",
            says: &["left == right"],
        }],
    },
    Break {
        name: "the feed's cursor is the highest that was read",
        edits: &[Edit {
            file: POSTGRES_REVOCATIONS,
            find: "_ => Place { database_id, life, horizon: None, tx: horizon, seq: i64::MIN },",
            replace: "Some(last) => Place { database_id, life, horizon: None, tx: last.tx.parse().unwrap_or(0), seq: last.seq },
            None => Place { database_id, life, horizon: None, tx: horizon, seq: i64::MIN },",
        }],
        caught_by: LATE_COMMIT,
    },
    Break {
        name: "the feed's cursor goes back by a minute",
        edits: &[Edit {
            file: POSTGRES_REVOCATIONS,
            find: "where (t.tx, t.seq) > ($2::text::xid8, $3::bigint) and t.expires_at > c.now",
            replace: "where (t.tx, t.seq) > ($2::text::xid8, $3::bigint) and t.expires_at > c.now
                             and ($2::text = '0' or t.created_at > c.now - interval '1 minute')",
        }],
        caught_by: LATE_COMMIT,
    },
    Break {
        name: "a cursor from the future is believed",
        edits: &[
            Edit {
                file: POSTGRES_REVOCATIONS,
                find: "&& reached <= self.horizon",
                replace: "&& (true || reached <= self.horizon)",
            },
            Edit {
                file: SQLITE_REVOCATIONS,
                find: "&& place.seq <= self.last_seq",
                replace: "&& (true || place.seq <= self.last_seq)",
            },
        ],
        caught_by: &[
            Catch { suite: POSTGRES_STORE, test: STARTS_OVER, says: &["left == right"] },
            Catch { suite: SQLITE_STORE, test: STARTS_OVER, says: &["left == right"] },
        ],
    },
    Break {
        name: "a cursor of another server is believed",
        edits: &[Edit { file: POSTGRES_REVOCATIONS, find: " && place.life == self.life", replace: "" }],
        caught_by: &[
            Catch { suite: POSTGRES_STORE, test: PROMOTED, says: &["it did not start over"] },
            Catch { suite: POSTGRES_STORE, test: LIFE_ENDED, says: &["after a crash it did not start over"] },
        ],
    },
    Break {
        name: "a server that has recovered from a crash leads the same life",
        edits: &[Edit {
            file: POSTGRES_REVOCATIONS,
            find: "pg_stat_get_bgwriter_stat_reset_time()",
            replace: "null",
        }],
        caught_by: &[Catch {
            suite: POSTGRES_STORE,
            test: LIFE_ENDED,
            says: &["after a crash it did not start over"],
        }],
    },
    Break {
        name: "a standby is read",
        edits: &[Edit { file: POSTGRES_REVOCATIONS, find: "if first.standby {", replace: "if false {" }],
        caught_by: &[Catch { suite: POSTGRES_STORE, test: PROMOTED, says: &["a standby was read"] }],
    },
    Break {
        name: "what others end at the same moment is not the surplus of all",
        edits: &[Edit {
            file: "auth-server/store-postgres/src/surplus.rs",
            find: "order by last_used_at, id limit (select number from surplus)",
            replace: "order by last_used_at, id limit (select number from surplus) for update skip locked",
        }],
        caught_by: &[Catch { suite: POSTGRES_STORE, test: NONE_ENDS_MORE, says: &["left == right"] }],
    },
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
        edits: &[Edit {
            file: "shared/src/verified_tokens.rs",
            find: "(verified.keys == keys).then_some(verified.claims)",
            replace: "(verified.keys <= keys).then_some(verified.claims)",
        }, Edit {
            file: "shared/src/keys/known_keys.rs",
            find: "#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]",
            replace: "#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Default)]",
        }],
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
            find: "return Err(JwksFault::PrivateMembers);",
            replace: "let _ = JwksFault::PrivateMembers;",
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
            file: "shared/src/secret_files.rs",
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
            file: "shared/src/secret_files.rs",
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
