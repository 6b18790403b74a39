//! Of sessions: rotation, its races, what opens and ends them.

use super::{API, Break, Catch, Edit, POSTGRES_STORE, SQLITE_STORE};

const JUDGE: &str = "auth-server/domain/src/judge.rs";
const POSTGRES_ROTATING: &str = "auth-server/store-postgres/src/rotating.rs";
const SQLITE_ROTATING: &str = "auth-server/store-sqlite/src/rotating.rs";
const LOGGED_OUT_ON_SQLITE: &str = "model::nobody_is_logged_out_by_accident::on_sqlite";
const LOGGED_OUT_ON_POSTGRES: &str = "model::nobody_is_logged_out_by_accident::on_postgres";
const RACED: &[&str] = &["not one successor for all", "somebody was logged out by accident"];
const ONE_ROTATES: &str = "conformance::races::of_many_rotations_of_one_token_exactly_one_rotates";
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

pub(super) const BREAKS: &[Break] = &[
    Break {
        name: "every late retry is forgiven",
        edits: &[Edit {
            file: JUDGE,
            find: "Some(..=GENERATIONS_PER_FORGIVENESS) => Verdict::End(EndReason::Theft),",
            replace: "Some(..=GENERATIONS_PER_FORGIVENESS) => Verdict::Forgive,",
        }],
        caught_by: UNNOTICED,
    },
    Break {
        name: "the grace covers a grandparent",
        edits: &[Edit {
            file: JUDGE,
            find: "2.. => Verdict::End(EndReason::Theft),",
            replace: "2 if *now - session.rotated_at < policy.grace => Verdict::SameSuccessor,
        2.. => Verdict::End(EndReason::Theft),",
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
            replace: "None | Some(_) => Verdict::End(EndReason::Theft),",
        }],
        caught_by: LOGGED_OUT,
    },
    Break {
        name: "the same late retry is forgiven only once",
        edits: &[Edit {
            file: JUDGE,
            find: "Some(0) => Verdict::SameSuccessor,",
            replace: "Some(0) => Verdict::End(EndReason::Theft),",
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
        name: "what others end at the same moment is not the surplus of all",
        edits: &[Edit {
            file: "auth-server/store-postgres/src/surplus.rs",
            find: "order by last_used_at, id limit (select number from surplus)",
            replace: "order by last_used_at, id limit (select number from surplus) for update skip locked",
        }],
        caught_by: &[Catch { suite: POSTGRES_STORE, test: NONE_ENDS_MORE, says: &["left == right"] }],
    },
];
