//! The texts of the statements keep the rules of a database that is distributed by user, which the plans on partitioned
//! tables (`plans.rs`) do not show. Citus rejects a statement that breaks one of them, or commits it in two phases.

use super::committed::statements;

/// A rule, and whether a statement breaks it.
struct Rule {
    says: &'static str,
    is_broken_by: fn(&str) -> bool,
    /// A statement that breaks this rule only.
    example: &'static str,
}

const RULES: [Rule; 10] = [
    Rule {
        says: "no statement writes to a table within a CTE",
        is_broken_by: |text| ["(insert ", "(update ", "(delete "].iter().any(|write| text.contains(write)),
        example: "with gone as (delete from sessions where user_id = $1 returning id) select id from gone",
    },
    Rule {
        says: "each query returns a column",
        is_broken_by: |text| text.contains("select from"),
        example: "select exists (select from sessions where user_id = $1)",
    },
    Rule {
        says: "a write has no function inside coalesce",
        is_broken_by: |text| is_write(text) && text.contains("coalesce("),
        example: "update users set disabled_at = coalesce(disabled_at, statement_timestamp()) where id = $1",
    },
    Rule {
        says: "a write has no function inside case",
        is_broken_by: |text| is_write(text) && text.contains(" case "),
        example: "update users set disabled_at = case when $2 then statement_timestamp() end where id = $1",
    },
    Rule {
        says: "a write has no query among the tables that it reads",
        is_broken_by: |text| is_write(text) && text.contains("(select statement_timestamp()"),
        example: "update sessions s set last_used_at = c.now from (select statement_timestamp() as now) c \
                  where s.user_id = $1",
    },
    Rule {
        says: "a write computes with no column of a time",
        is_broken_by: |text| is_write(text) && computes_with_a_time(text),
        example: "delete from sessions where user_id = $1 and last_used_at + $2 <= $3",
    },
    Rule {
        says: "no statement depends on the transaction number of a server",
        is_broken_by: |text| text.contains("pg_current_xact_id") || text.contains("pg_snapshot"),
        example: "select pg_snapshot_xmin(pg_current_snapshot())",
    },
    Rule {
        says: "a statement that locks rows names the user",
        is_broken_by: |text| locks(text) && !names_the_user(text),
        example: "select id from sessions where expires_at < $1 for update skip locked",
    },
    Rule {
        says: "a write does not join an array",
        is_broken_by: |text| is_write(text) && text.contains("unnest("),
        example: "insert into revocations (user_id, kind, subject) select $1, 'session', id from unnest($2) i (id)",
    },
    Rule {
        says: "an entry of the feed is added with its user",
        is_broken_by: |text| {
            text.contains("insert into revocations") && !text.contains("insert into revocations (user_id, ")
        },
        example: "insert into revocations (kind, subject) values ('token', $1)",
    },
];

/// Statements that are for one server, by their beginnings, and the rules that they break.
const ON_ONE_SERVER: [(&str, &[&str]); 2] = [
    (
        // A batch of refreshes.
        "with request as",
        &[
            "a write has no query among the tables that it reads",
            "a write computes with no column of a time",
            "a statement that locks rows names the user",
            "a write does not join an array",
        ],
    ),
    // The exact cursor of the feed.
    ("with c as", &["no statement depends on the transaction number of a server"]),
];

fn is_write(text: &str) -> bool {
    ["insert into ", "update ", "delete from "].iter().any(|write| {
        text.starts_with(write) || (text.starts_with("with ") && text.contains(&format!(") {write}")))
    })
}

fn computes_with_a_time(text: &str) -> bool {
    ["_at +", "_at -", "auth_time +", "auth_time -"].iter().any(|sum| text.contains(sum))
}

fn locks(text: &str) -> bool {
    ["for update", "for share", "for no key update"].iter().any(|lock| text.contains(lock))
}

fn names_the_user(text: &str) -> bool {
    ["user_id = $", "from users where id = $"].iter().any(|name| text.contains(name))
}

#[test]
fn every_statement_keeps_the_rules_of_a_distributed_database() {
    for statement in statements() {
        let exceptions: Vec<_> = ON_ONE_SERVER
            .iter()
            .filter(|(beginning, _)| statement.text.starts_with(beginning))
            .flat_map(|(_, rules)| rules.iter().copied())
            .collect();
        let broken: Vec<_> =
            RULES.iter().filter(|rule| (rule.is_broken_by)(&statement.text)).map(|rule| rule.says).collect();
        assert_eq!(broken, exceptions, "{}", statement.text);
    }
    for (beginning, _) in ON_ONE_SERVER {
        assert!(
            statements().iter().any(|statement| statement.text.starts_with(beginning)),
            "no statement begins with {beginning:?}"
        );
    }
}

/// Shows that the test above detects each.
#[test]
fn each_rule_rejects_its_example_and_no_other_rule_does() {
    for Rule { says, example, .. } in &RULES {
        let broken: Vec<_> =
            RULES.iter().filter(|rule| (rule.is_broken_by)(example)).map(|rule| rule.says).collect();
        assert_eq!(broken, [*says], "{example}");
    }
}
