//! Splits the text of a migration into its statements, because Citus runs a statement on a distributed table only where
//! it was sent alone.
//!
//! It knows comments, strings and quoted names. It does not know bodies of functions without quotes (`begin atomic`): a
//! migration that has one is a syntax error on every database.

/// The statements of a text, without the comments around them and without their semicolons.
pub(crate) fn statements(sql: &str) -> Vec<&str> {
    let mut found = Vec::new();
    // Where the present statement begins, and where its last word ends.
    let (mut begin, mut end, mut at) = (None, 0, 0);
    while at < sql.len() {
        let (part, length) = first_part(&sql[at..]);
        match part {
            Part::Blank => {}
            Part::Text => {
                begin.get_or_insert(at);
                end = at + length;
            }
            Part::Semicolon => found.extend(begin.take().map(|begin| &sql[begin..end])),
        }
        at += length;
    }
    found.extend(begin.map(|begin| &sql[begin..end]));
    found
}

enum Part {
    /// White space or a comment.
    Blank,
    Text,
    Semicolon,
}

/// What a text that is not empty begins with, and how long that is. A doubled quote within quotes is two parts.
fn first_part(text: &str) -> (Part, usize) {
    let first = text.chars().next().unwrap_or(' ');
    match first {
        ';' => (Part::Semicolon, 1),
        '\'' | '"' => (Part::Text, until(text, 1, &text[..1])),
        '$' => (Part::Text, dollar_quoted(text)),
        '-' if text.starts_with("--") => (Part::Blank, until(text, 2, "\n")),
        '/' if text.starts_with("/*") => (Part::Blank, block_comment(text)),
        _ if first.is_whitespace() => (Part::Blank, first.len_utf8()),
        _ if is_of_name(first) => (Part::Text, name(text)),
        _ => (Part::Text, first.len_utf8()),
    }
}

/// The length up to and with `end`, which is searched from `from` on; without one, all of the text.
fn until(text: &str, from: usize, end: &str) -> usize {
    text[from..].find(end).map_or(text.len(), |found| from + found + end.len())
}

/// `$tag$ … $tag$`, or a single dollar sign.
fn dollar_quoted(text: &str) -> usize {
    let tag = text[1..].find(|char: char| !is_of_name(char) || char == '$').map_or(text.len(), |end| end + 1);
    if text[tag..].starts_with('$') { until(text, tag + 1, &text[..=tag]) } else { 1 }
}

/// Such comments may contain others.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (1, 2);
    while depth > 0 {
        let Some(next) = text[at..].find(['*', '/']) else { return text.len() };
        at += next;
        (depth, at) = match &text[at..] {
            rest if rest.starts_with("/*") => (depth + 1, at + 2),
            rest if rest.starts_with("*/") => (depth - 1, at + 2),
            _ => (depth, at + 1),
        };
    }
    at
}

/// A name, keyword or number. After `e`, a string may have escaped quotes.
fn name(text: &str) -> usize {
    let length = text.find(|char| !is_of_name(char)).unwrap_or(text.len());
    if text[..length].eq_ignore_ascii_case("e") && text[length..].starts_with('\'') {
        return escaped_string(text, length + 1);
    }
    length
}

fn escaped_string(text: &str, mut at: usize) -> usize {
    while let Some(next) = text[at..].find(['\\', '\'']) {
        at += next + 1;
        if text[..at].ends_with('\'') {
            return at;
        }
        at += text[at..].chars().next().map_or(0, char::len_utf8);
    }
    text.len()
}

fn is_of_name(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | '$')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::migrator;

    #[test]
    fn a_semicolon_ends_a_statement_except_in_quotes_and_comments() {
        let table: [(&str, &[&str]); 20] = [
            ("", &[]),
            (" ; ;\n", &[]),
            ("select 1", &["select 1"]),
            ("select 1;select 2;", &["select 1", "select 2"]),
            ("select 1 ;\n\n select 2 \n", &["select 1", "select 2"]),
            ("-- a; b\nselect 1; -- c;", &["select 1"]),
            ("/* a; /* b; */ c; */ select 1", &["select 1"]),
            ("select 1 /* a; ", &["select 1"]),
            ("select 1 -- a;\n, 2; select 3", &["select 1 -- a;\n, 2", "select 3"]),
            ("select 'a;', ';'';' ; select 2", &["select 'a;', ';'';'", "select 2"]),
            ("select 'a\\'; select 2", &["select 'a\\'", "select 2"]),
            (r"select e'a\';', E'\\';select 2", &[r"select e'a\';', E'\\'", "select 2"]),
            ("select e';ü\\ü;'; select 2", &["select e';ü\\ü;'", "select 2"]),
            (r#"select 1 as "a;"";"; select 2"#, &[r#"select 1 as "a;"";""#, "select 2"]),
            ("do $$ a; b; $$; select 2", &["do $$ a; b; $$", "select 2"]),
            ("do $f$ a; $$ b; $g$ $f$; select 2", &["do $f$ a; $$ b; $g$ $f$", "select 2"]),
            ("select a$b$; select $1; select 2", &["select a$b$", "select $1", "select 2"]),
            ("select 5 / 2 * 3 - 1; select 2", &["select 5 / 2 * 3 - 1", "select 2"]),
            ("select 'größe;', ä; select 2", &["select 'größe;', ä", "select 2"]),
            ("select 'a; ", &["select 'a; "]),
        ];
        for (sql, expected) in table {
            assert_eq!(statements(sql), expected, "{sql}");
        }
    }

    #[test]
    fn every_migration_has_statements_that_begin_with_a_verb() {
        const VERBS: [&str; 8] = ["create", "insert", "update", "delete", "alter", "drop", "lock", "do"];
        for migration in migrator().iter() {
            let statements = statements(migration.sql.as_str());
            assert!(!statements.is_empty(), "{}", migration.version);
            for statement in statements {
                let verb = statement.split_whitespace().next().unwrap();
                assert!(VERBS.contains(&verb), "{}: {statement}", migration.version);
            }
        }
    }
}
