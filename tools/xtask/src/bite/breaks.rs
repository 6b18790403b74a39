//! The table: what is broken on purpose, and which tests must notice. An edit names text that occurs exactly once, so
//! that the table cannot outlive the code it is about.

mod feed;
mod sessions;
mod tokens;

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = &'static Break> {
    [sessions::BREAKS, feed::BREAKS, tokens::BREAKS].into_iter().flatten()
}

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
