//! Limits the rate at which passwords can be guessed: the first failures cause no wait, each further one doubles the
//! wait, and failures are forgotten one by one.
//!
//! There is no limit for an account as a whole, because anyone who knows an e-mail address could use it up and lock the
//! owner out. NIST SP 800-63B asks for at most 100 consecutive failures on an account; here *one* network address gets
//! about that many attempts on one account in a day. Many addresses get as many each: see SECURITY.md.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use chrono::{DateTime, TimeDelta, Utc};

/// The limit for one account and one [`network_prefix`]: five failures in a row cause no wait, further ones a wait of
/// 15 s, 30 s, 1 min, … up to 15 min.
///
/// An attacker gets at most 10 attempts in the first 15 minutes and 96 per day after that; pausing gains none. The
/// owner waits at most 15 min on the same network address, and not at all on another one.
pub const PER_ACCOUNT_AND_ADDRESS: GuessLimit =
    GuessLimit { burst: 5, first_wait: TimeDelta::seconds(15), longest_wait: TimeDelta::minutes(15) };

/// The limit for one [`network_prefix`], for all accounts together: a burst of a hundred failures, then one per minute.
///
/// A whole company may share one address. A thousand users who sign in on one morning, with one typing error in ten,
/// are not limited. An attacker who tries the most common password on every account gets 100 attempts, and 1,440 more
/// per day.
pub const PER_ADDRESS: GuessLimit =
    GuessLimit { burst: 100, first_wait: TimeDelta::minutes(1), longest_wait: TimeDelta::minutes(1) };

/// How failures slow down further attempts.
#[derive(Debug, Clone, Copy)]
pub struct GuessLimit {
    /// How many failures in a row cause no wait.
    burst: i64,
    /// The wait after one more failure. It doubles with each further one.
    first_wait: TimeDelta,
    /// The longest wait, and also the time after which one failure is forgotten.
    longest_wait: TimeDelta,
}

/// The remembered failures, as two points in time. Without failures there is no tally.
///
/// `clear_at` is a leaky bucket: each failure moves it `longest_wait` further into the future.
/// So the time left until `clear_at`, divided by that wait, is the number of remembered failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// The earliest time of the next attempt, in milliseconds of Unix time.
    not_before: i64,
    /// When the last failure is forgotten, in milliseconds of Unix time.
    clear_at: i64,
}

/// The attempt comes too soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryLater {
    /// Seconds until the next attempt is allowed; at least 1.
    pub retry_after: u32,
    /// The tally to store. Attempts that come too soon do not prolong the wait.
    pub tally: Tally,
}

impl GuessLimit {
    /// Counts an attempt as failed before it is checked, and returns the tally to store.
    ///
    /// A clock that was set back prolongs no wait beyond the longest one.
    ///
    /// # Errors
    /// [`RetryLater`] if a wait is not over.
    pub fn attempt(&self, remembered: Option<Tally>, now: DateTime<Utc>) -> Result<Tally, RetryLater> {
        let (now, forget_one) = (now.timestamp_millis(), self.longest_wait.num_milliseconds());
        let nothing = Tally { not_before: i64::MIN, clear_at: now };
        let Tally { not_before, clear_at } = remembered.unwrap_or(nothing);
        let not_before = not_before.min(now + forget_one);
        let clear_at = clear_at.clamp(now, now + self.capacity() * forget_one);
        if now < not_before {
            let retry_after = u32::try_from((not_before - now + 999) / 1000).unwrap_or(u32::MAX);
            return Err(RetryLater { retry_after, tally: Tally { not_before, clear_at } });
        }
        let clear_at = clear_at + forget_one;
        let failures = (clear_at - now + forget_one - 1) / forget_one;
        let wait = self.wait_after(failures);
        // `now` would cause a wait if the clock is set back a little.
        let not_before = if wait.is_zero() { i64::MIN } else { now + wait.num_milliseconds() };
        Ok(Tally { not_before, clear_at })
    }

    /// The tally to store when an attempt turns out not to count. Other attempts may have been counted since.
    ///
    /// `before` is the tally before that attempt.
    pub fn refund(&self, remembered: Tally, before: Option<Tally>) -> Tally {
        Tally {
            not_before: before.map_or(i64::MIN, |before| before.not_before).min(remembered.not_before),
            clear_at: remembered.clear_at - self.longest_wait.num_milliseconds(),
        }
    }

    fn wait_after(&self, failures: i64) -> TimeDelta {
        let Some(beyond) = u32::try_from(failures - self.burst).ok() else { return TimeDelta::zero() };
        let doubled = 2_i32.checked_pow(beyond).and_then(|times| self.first_wait.checked_mul(times));
        doubled.unwrap_or(self.longest_wait).min(self.longest_wait)
    }

    /// The most failures that are remembered: those that cause the longest wait, during which one is forgotten.
    fn capacity(&self) -> i64 {
        let doublings = (0..32).find(|more| self.wait_after(self.burst + more) == self.longest_wait);
        self.burst + doublings.unwrap_or_default()
    }
}

impl Tally {
    /// Whether all failures are forgotten.
    pub fn is_clear(&self, now: DateTime<Utc>) -> bool {
        self.clear_at <= now.timestamp_millis()
    }

    /// When the last failure is forgotten. For choosing which tally to evict: the earliest, which has the fewest
    /// failures.
    pub fn clear_at(&self) -> impl Ord + use<> {
        self.clear_at
    }
}

/// The network prefix for which failures are counted.
///
/// For IPv4 the whole address: a shorter prefix would let a neighbour slow the owner down. For IPv6 the /64, the
/// smallest network that a household or a rented server gets, within which it can use any address. IPv4 addresses
/// mapped into IPv6 or into the NAT64 prefix `64:ff9b::/96` (RFC 6052) count as IPv4; otherwise all of them would share
/// one /64.
pub fn network_prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => match address.octets() {
            [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] => Ipv4Addr::new(a, b, c, d).into(),
            _ => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    /// Fails at these seconds. Returns the last tally, and the wait if the last attempt came too soon.
    fn fail(limit: GuessLimit, seconds: &[i64]) -> (Option<Tally>, Option<u32>) {
        seconds.iter().fold((None, None), |(tally, _), second| match limit.attempt(tally, at(*second)) {
            Ok(tally) => (Some(tally), None),
            Err(RetryLater { retry_after, tally }) => (Some(tally), Some(retry_after)),
        })
    }

    /// How many attempts are possible until `end`, each as soon as it is allowed, with a pause after every
    /// `pause_after`.
    fn allowed(limit: GuessLimit, end: i64, pause_after: usize, pause: i64) -> usize {
        let (mut tally, mut now, mut allowed) = (None, 0, 0);
        while now < end {
            match limit.attempt(tally, at(now)) {
                Ok(next) => {
                    allowed += 1;
                    tally = Some(next);
                    if allowed % pause_after == 0 {
                        now += pause;
                    }
                }
                Err(retry_later) => {
                    now += i64::from(retry_later.retry_after);
                    tally = Some(retry_later.tally);
                }
            }
        }
        allowed
    }

    /// PW-11
    #[test]
    fn five_failures_cause_no_wait_and_each_further_one_doubles_it() {
        let table: [(&[i64], Option<u32>); 12] = [
            (&[0], None),
            (&[0, 0, 0, 0, 0], None),
            (&[0, 0, 0, 0, 0, 0], Some(15)),
            (&[0, 1, 2, 3, 4, 5], Some(14)),
            (&[0, 0, 0, 0, 0, 14], Some(1)),
            (&[0, 0, 0, 0, 0, 15], None),
            (&[0, 0, 0, 0, 0, 15, 15], Some(30)),
            (&[0, 0, 0, 0, 0, 15, 45, 45], Some(60)),
            (&[0, 0, 0, 0, 0, 15, 45, 105, 225, 465, 465], Some(480)),
            // One failure was forgotten after 15 minutes, so the wait is 480 s again.
            (&[0, 0, 0, 0, 0, 15, 45, 105, 225, 465, 945, 945], Some(480)),
            (&[0, 0, 0, 0, 0, 15, 45, 105, 225, 465, 945, 1425, 1425], Some(900)),
            (&[0, 0, 0, 0, 0, 15, 45, 105, 225, 465, 945, 1425, 2325, 2325], Some(900)),
        ];
        for (seconds, wait) in table {
            assert_eq!(fail(PER_ACCOUNT_AND_ADDRESS, seconds).1, wait, "{seconds:?}");
        }
    }

    /// The clock may go back a little when it is corrected.
    #[test]
    fn the_burst_causes_no_wait_when_the_clock_goes_back() {
        for back in [1, 600] {
            let (tally, wait) = fail(PER_ACCOUNT_AND_ADDRESS, &[0, -back, -back, -back]);
            assert!(tally.is_some() && wait.is_none(), "{back}: {wait:?}");
        }
    }

    #[test]
    fn attempts_that_come_too_soon_do_not_prolong_the_wait() {
        let mut seconds = vec![0; 1000];
        seconds.push(15);
        assert_eq!(fail(PER_ACCOUNT_AND_ADDRESS, &seconds).1, None);
    }

    #[test]
    fn a_failure_is_forgotten_every_15_minutes() {
        let five = fail(PER_ACCOUNT_AND_ADDRESS, &[0; 5]).0.unwrap();
        for (minutes, clear) in [(0, false), (74, false), (75, true), (1000, true)] {
            assert_eq!(five.is_clear(at(minutes * 60)), clear, "{minutes}");
        }
        // Two are forgotten after half an hour, so two more cause no wait.
        assert_eq!(fail(PER_ACCOUNT_AND_ADDRESS, &[0, 0, 0, 0, 0, 1800, 1800]).1, None);
        assert_eq!(fail(PER_ACCOUNT_AND_ADDRESS, &[0, 0, 0, 0, 0, 1800, 1800, 1800]).1, Some(15));
    }

    /// PW-11: the figures of the docstrings and of SECURITY.md.
    #[test]
    fn an_attacker_gets_the_documented_number_of_guesses_and_gains_none_by_pausing() {
        let (day, year) = (86_400, 365 * 86_400);
        assert_eq!(allowed(PER_ACCOUNT_AND_ADDRESS, 900, usize::MAX, 0), 10);
        assert_eq!(allowed(PER_ACCOUNT_AND_ADDRESS, day, usize::MAX, 0), 106);
        assert_eq!(allowed(PER_ACCOUNT_AND_ADDRESS, year, usize::MAX, 0), 365 * 96 + 10);
        assert_eq!(allowed(PER_ADDRESS, day, usize::MAX, 0), 100 + 1439);
        for pause_after in 1..20 {
            for pause in [1, 60, 900, 4500, 10_000, 50_000] {
                let paused = allowed(PER_ACCOUNT_AND_ADDRESS, day, pause_after, pause);
                assert!(paused <= 107, "{paused} with {pause} s after every {pause_after}");
            }
        }
    }

    #[test]
    fn an_address_has_a_hundred_failures_and_then_one_per_minute() {
        let mut seconds = vec![0; 100];
        assert_eq!(fail(PER_ADDRESS, &seconds).1, None);
        seconds.push(0);
        assert_eq!(fail(PER_ADDRESS, &seconds).1, Some(60));
        seconds.extend([60]);
        assert_eq!(fail(PER_ADDRESS, &seconds).1, None);
        seconds.extend([60]);
        assert_eq!(fail(PER_ADDRESS, &seconds).1, Some(60));
        seconds.extend([3600; 59]);
        assert_eq!(fail(PER_ADDRESS, &seconds).1, None);
    }

    #[test]
    fn a_refunded_attempt_leaves_no_trace() {
        for already in 0..8 {
            let waited: Vec<i64> = (0..already).map(|n| n * 20_000 / 8).collect();
            let (before, _) = fail(PER_ACCOUNT_AND_ADDRESS, &waited);
            let now = at(20_000);
            let during = PER_ACCOUNT_AND_ADDRESS.attempt(before, now).unwrap();
            let after = PER_ACCOUNT_AND_ADDRESS.refund(during, before);
            assert_eq!(
                PER_ACCOUNT_AND_ADDRESS.attempt(Some(after), now),
                PER_ACCOUNT_AND_ADDRESS.attempt(before, now),
                "after {already}"
            );
        }
        // The fourth is refunded while the fifth is in progress, so exactly one more is allowed.
        let three = fail(PER_ACCOUNT_AND_ADDRESS, &[0; 3]).0;
        let four = PER_ACCOUNT_AND_ADDRESS.attempt(three, at(0)).unwrap();
        let five = PER_ACCOUNT_AND_ADDRESS.attempt(Some(four), at(0)).unwrap();
        assert!(PER_ACCOUNT_AND_ADDRESS.attempt(Some(five), at(0)).is_err());
        let refunded = PER_ACCOUNT_AND_ADDRESS.refund(five, three);
        let five = PER_ACCOUNT_AND_ADDRESS.attempt(Some(refunded), at(0)).unwrap();
        assert!(PER_ACCOUNT_AND_ADDRESS.attempt(Some(five), at(0)).is_err());
    }

    #[test]
    fn a_clock_that_is_set_back_causes_no_long_wait() {
        for (limit, failures) in [(PER_ACCOUNT_AND_ADDRESS, 5), (PER_ADDRESS, 100)] {
            let longest = u32::try_from(limit.longest_wait.num_seconds()).unwrap();
            let (tally, _) = fail(limit, &vec![0; failures]);
            let year_ago = -365 * 86_400;
            let refused = limit.attempt(tally, at(year_ago)).unwrap_err();
            assert_eq!(refused.retry_after, longest);
            let later = year_ago + i64::from(longest);
            assert!(limit.attempt(Some(refused.tally), at(later)).is_ok(), "the wait has passed");
            assert!(!refused.tally.is_clear(at(later)) && refused.tally.is_clear(at(year_ago + 86_400)));
        }
    }

    /// PW-11
    #[test]
    fn an_address_is_counted_whole_or_by_its_64() {
        for (address, counted) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("64:ff9b::192.0.2.7", "192.0.2.7"),
            ("64:ff9b::1:192.0.2.7", "64:ff9b::"),
            ("64:ff9b:1::192.0.2.7", "64:ff9b:1::"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::"),
            ("2001:db8:1:3::1", "2001:db8:1:3::"),
            ("::1", "::"),
        ] {
            assert_eq!(
                network_prefix(address.parse().unwrap()),
                counted.parse::<IpAddr>().unwrap(),
                "{address}"
            );
        }
    }
}
