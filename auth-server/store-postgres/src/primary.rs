//! Which of several hosts is the primary.
//!
//! A promoted standby begins a new timeline. An old primary that was cut off, or comes back, has a lower one: it may
//! accept writes, which would be lost.

use std::fmt;

/// What a host says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It receives changes from another server, and refuses writes.
    Standby,
    /// It receives none.
    Primary {
        /// One more than the number of promotions in the history of its data.
        timeline: u32,
        /// Whether it refuses writes, by `default_transaction_read_only`.
        read_only: bool,
    },
}

/// What is known of the hosts from before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// The primary, by its place in the list.
    pub(crate) host: Option<usize>,
    /// The highest timeline that any host had.
    pub(crate) timeline: u32,
}

/// Why a host that answers is not the primary. Displays what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfit {
    Standby,
    ReadOnly,
    /// Another host has been promoted since.
    OldPrimary {
        timeline: u32,
        newest: u32,
    },
}

impl Role {
    /// Whether writes may go there, if no host has a higher timeline than `newest`.
    pub(crate) fn fitness(self, newest: u32) -> Result<(), Unfit> {
        match self {
            Self::Standby => Err(Unfit::Standby),
            Self::Primary { timeline, .. } if timeline < newest => {
                Err(Unfit::OldPrimary { timeline, newest })
            }
            Self::Primary { read_only: true, .. } => Err(Unfit::ReadOnly),
            Self::Primary { .. } => Ok(()),
        }
    }

    fn timeline(self) -> Option<u32> {
        match self {
            Self::Standby => None,
            Self::Primary { timeline, .. } => Some(timeline),
        }
    }
}

/// The highest timeline, now or before.
pub(crate) fn newest_timeline(known: Known, roles: &[Option<Role>]) -> u32 {
    roles.iter().flatten().filter_map(|role| role.timeline()).fold(known.timeline, u32::max)
}

/// The host to write to: it has the highest timeline and accepts writes. If several do, the one that is the primary
/// already, else the first. `None` stands for a host that does not answer.
pub(crate) fn choose(known: Known, roles: &[Option<Role>]) -> Option<usize> {
    let newest = newest_timeline(known, roles);
    let is_fit = |host: &usize| {
        roles.get(*host).copied().flatten().is_some_and(|role: Role| role.fitness(newest).is_ok())
    };
    known.host.filter(is_fit).or_else(|| (0..roles.len()).find(is_fit))
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standby => f.write_str("is a standby"),
            Self::ReadOnly => f.write_str("is read-only (default_transaction_read_only)"),
            Self::OldPrimary { timeline, newest } => write!(
                f,
                "is an old primary (timeline {timeline}, and another host has had timeline {newest})"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A word for each host: down, standby, or its timeline, with `r` if it is read-only.
    fn roles(words: &str) -> Vec<Option<Role>> {
        let role = |word: &str| match word {
            "down" => None,
            "standby" => Some(Role::Standby),
            timeline => Some(Role::Primary {
                timeline: timeline.trim_end_matches('r').parse().unwrap(),
                read_only: timeline.ends_with('r'),
            }),
        };
        words.split(' ').map(role).collect()
    }

    #[test]
    fn the_host_with_the_highest_timeline_that_accepts_writes_is_the_primary() {
        let table = [
            // At the start.
            (None, 0, "1 standby", Some(0)),
            (None, 0, "standby 1", Some(1)),
            (None, 0, "down 7", Some(1)),
            (None, 0, "standby standby", None),
            (None, 0, "down down", None),
            (None, 0, "down standby", None),
            (None, 0, "1r standby", None),
            // The old primary is still there after a promotion.
            (Some(0), 1, "1 2", Some(1)),
            (Some(1), 1, "2 1", Some(0)),
            (None, 0, "9 10", Some(1)),
            (None, 0, "3 5 4", Some(1)),
            // It comes back while the new one is down.
            (Some(1), 2, "1 down", None),
            (Some(1), 2, "1 standby", None),
            (Some(1), 2, "1 2", Some(1)),
            // The newest is read-only: an older one must not be written.
            (Some(0), 1, "1 2r", None),
            (Some(0), 1, "1r standby", None),
            // Several of the same timeline, such as two poolers in front of one server.
            (None, 0, "1 1", Some(0)),
            (Some(1), 1, "1 1", Some(1)),
            (Some(1), 1, "1 1r", Some(0)),
            (Some(1), 1, "1 down", Some(0)),
        ];
        for (host, timeline, words, expected) in table {
            assert_eq!(
                choose(Known { host, timeline }, &roles(words)),
                expected,
                "{host:?} {timeline} {words}"
            );
        }
    }

    #[test]
    fn a_host_that_is_not_the_primary_says_why() {
        let table = [
            ("standby", 1, "is a standby"),
            ("1r", 1, "is read-only (default_transaction_read_only)"),
            ("1", 2, "is an old primary (timeline 1, and another host has had timeline 2)"),
            ("1r", 2, "is an old primary (timeline 1, and another host has had timeline 2)"),
        ];
        for (word, newest, expected) in table {
            let [Some(role)] = roles(word)[..] else { unreachable!() };
            assert_eq!(role.fitness(newest).unwrap_err().to_string(), expected);
        }
    }
}
