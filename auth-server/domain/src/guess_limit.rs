//! How fast passwords may be guessed: some failures are free, each more costs a wait twice as long, and time
//! forgets them one by one.
//!
//! There is no limit for an account as a whole: whoever knows an address could use it up and lock its owner out.
//! NIST SP 800-63B asks for at most 100 failures in a row on an account; here that is about what *one* network address
//! can try on one account in a day. Many addresses can try as many times more: see SECURITY.md.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use chrono::{DateTime, TimeDelta, Utc};

/// For one account and one [`prefix`]: five typing errors in a row are free, then it takes 15 s, 30 s, 1 min, … and
/// never more than 15 min until the next attempt.
///
/// Whoever guesses as fast as this allows has 10 attempts in the first quarter of an hour and 96 a day from then on,
/// and cannot do better by pausing. The owner on the same address waits at most 15 min; on another address, not at all.
pub const PER_ACCOUNT_AND_ADDRESS: GuessLimit =
    GuessLimit { free: 5, first_wait: TimeDelta::seconds(15), longest_wait: TimeDelta::minutes(15) };

/// For one [`prefix`], whatever the account: a hundred failures at once, then one a minute.
///
/// Behind one address there may be a whole company. A thousand people who sign in on one morning, and mistype
/// one time in ten, are let through. One who tries the most common password on every account gets 100 of them, and
/// 1,440 more a day.
pub const PER_ADDRESS: GuessLimit =
    GuessLimit { free: 100, first_wait: TimeDelta::minutes(1), longest_wait: TimeDelta::minutes(1) };

/// How failures slow down.
#[derive(Debug, Clone, Copy)]
pub struct GuessLimit {
    /// So many failures are followed by no wait, if they come at once.
    free: i64,
    /// The wait after the last of them. It doubles with each more.
    first_wait: TimeDelta,
    /// No wait is longer. After so long, one failure is forgotten.
    longest_wait: TimeDelta,
}

/// The failures that are remembered, in two times. Nothing remembered is no tally at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// The next attempt is judged no sooner, in milliseconds of Unix time.
    not_before: i64,
    /// When the last failure is forgotten, in milliseconds of Unix time.
    clear_at: i64,
}

/// An attempt that is not judged, for it comes too soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryLater {
    /// In how many seconds one will be judged; at least 1.
    pub retry_after: u32,
    /// To be remembered from now on. It has not grown: who keeps on trying does not wait any longer.
    pub tally: Tally,
}

impl GuessLimit {
    /// What is to be remembered while this attempt is judged, and afterwards if it fails.
    ///
    /// A clock that was set back prolongs no wait beyond the longest one.
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
        // Without a wait, at any time: a clock that was set back a little must not make one.
        let not_before = if wait.is_zero() { i64::MIN } else { now + wait.num_milliseconds() };
        Ok(Tally { not_before, clear_at })
    }

    /// What is to be remembered once it turns out that an attempt does not count. Others may have been made since.
    ///
    /// `before` is what was remembered when that attempt began.
    pub fn refund(&self, remembered: Tally, before: Option<Tally>) -> Tally {
        Tally {
            not_before: before.map_or(i64::MIN, |before| before.not_before).min(remembered.not_before),
            clear_at: remembered.clear_at - self.longest_wait.num_milliseconds(),
        }
    }

    fn wait_after(&self, failures: i64) -> TimeDelta {
        let Some(beyond) = u32::try_from(failures - self.free).ok() else { return TimeDelta::zero() };
        let doubled = 2_i32.checked_pow(beyond).and_then(|times| self.first_wait.checked_mul(times));
        doubled.unwrap_or(self.longest_wait).min(self.longest_wait)
    }

    /// So many failures bring the longest wait, and no more are ever remembered: one is forgotten while it lasts.
    fn capacity(&self) -> i64 {
        let doublings = (0..32).find(|more| self.wait_after(self.free + more) == self.longest_wait);
        self.free + doublings.unwrap_or_default()
    }
}

impl Tally {
    /// Whether all is forgotten.
    pub fn is_clear(&self, now: DateTime<Utc>) -> bool {
        self.clear_at <= now.timestamp_millis()
    }

    /// When the last failure is forgotten, for comparison: a tally that ends sooner is the smaller loss.
    pub fn clear_at(&self) -> impl Ord + use<> {
        self.clear_at
    }
}

/// The network address that failures are counted for.
///
/// IPv4 by the whole address: a wider prefix would let a neighbour slow the owner down. IPv6 by its /64, the
/// least that a household or a rented server is given and within which it may call itself what it likes.
/// An IPv4 address mapped into IPv6 is that IPv4 address, and so is one that NAT64 put into `64:ff9b::/96`
/// (RFC 6052): by its /64, all of IPv4 would be one.
pub fn prefix(address: IpAddr) -> IpAddr {
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

    /// Failures at these seconds: what is remembered in the end, and what the last one was told.
    fn fail(limit: GuessLimit, seconds: &[i64]) -> (Option<Tally>, Option<u32>) {
        seconds.iter().fold((None, None), |(tally, _), second| match limit.attempt(tally, at(*second)) {
            Ok(tally) => (Some(tally), None),
            Err(RetryLater { retry_after, tally }) => (Some(tally), Some(retry_after)),
        })
    }

    /// How many attempts are judged until `end` when each is made as soon as it may, after a pause where one is due.
    fn judged(limit: GuessLimit, end: i64, pause_after: usize, pause: i64) -> usize {
        let (mut tally, mut now, mut judged) = (None, 0, 0);
        while now < end {
            match limit.attempt(tally, at(now)) {
                Ok(next) => {
                    judged += 1;
                    tally = Some(next);
                    if judged % pause_after == 0 {
                        now += pause;
                    }
                }
                Err(retry_later) => {
                    now += i64::from(retry_later.retry_after);
                    tally = Some(retry_later.tally);
                }
            }
        }
        judged
    }

    /// PW-11
    #[test]
    fn five_failures_are_free_and_then_each_costs_twice_the_wait() {
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
            // The quarter of an hour has forgotten one by now, so once more it is 480.
            (&[0, 0, 0, 0, 0, 15, 45, 105, 225, 465, 945, 945], Some(480)),
            (&[0, 0, 0, 0, 0, 15, 45, 105, 225, 465, 945, 1425, 1425], Some(900)),
            (&[0, 0, 0, 0, 0, 15, 45, 105, 225, 465, 945, 1425, 2325, 2325], Some(900)),
        ];
        for (seconds, told) in table {
            assert_eq!(fail(PER_ACCOUNT_AND_ADDRESS, seconds).1, told, "{seconds:?}");
        }
    }

    /// The clocks of two threads, or one that is corrected, may go back a little.
    #[test]
    fn what_is_free_is_free_also_when_the_clock_goes_back() {
        for back in [1, 600] {
            let (tally, told) = fail(PER_ACCOUNT_AND_ADDRESS, &[0, -back, -back, -back]);
            assert!(tally.is_some() && told.is_none(), "{back}: {told:?}");
        }
    }

    #[test]
    fn who_is_refused_is_not_refused_any_longer_for_it() {
        let mut seconds = vec![0; 1000];
        seconds.push(15);
        assert_eq!(fail(PER_ACCOUNT_AND_ADDRESS, &seconds).1, None);
    }

    #[test]
    fn a_failure_is_forgotten_every_quarter_of_an_hour() {
        let five = fail(PER_ACCOUNT_AND_ADDRESS, &[0; 5]).0.unwrap();
        for (minutes, clear) in [(0, false), (74, false), (75, true), (1000, true)] {
            assert_eq!(five.is_clear(at(minutes * 60)), clear, "{minutes}");
        }
        // Two are forgotten after half an hour, so two more are free.
        assert_eq!(fail(PER_ACCOUNT_AND_ADDRESS, &[0, 0, 0, 0, 0, 1800, 1800]).1, None);
        assert_eq!(fail(PER_ACCOUNT_AND_ADDRESS, &[0, 0, 0, 0, 0, 1800, 1800, 1800]).1, Some(15));
    }

    /// PW-11: the figures of the docstrings and of SECURITY.md.
    #[test]
    fn a_day_of_guessing_is_worth_so_many_guesses_and_pausing_gains_none() {
        let (day, year) = (86_400, 365 * 86_400);
        assert_eq!(judged(PER_ACCOUNT_AND_ADDRESS, 900, usize::MAX, 0), 10);
        assert_eq!(judged(PER_ACCOUNT_AND_ADDRESS, day, usize::MAX, 0), 106);
        assert_eq!(judged(PER_ACCOUNT_AND_ADDRESS, year, usize::MAX, 0), 365 * 96 + 10);
        assert_eq!(judged(PER_ADDRESS, day, usize::MAX, 0), 100 + 1439);
        for pause_after in 1..20 {
            for pause in [1, 60, 900, 4500, 10_000, 50_000] {
                let paused = judged(PER_ACCOUNT_AND_ADDRESS, day, pause_after, pause);
                assert!(paused <= 107, "{paused} with {pause} s after every {pause_after}");
            }
        }
    }

    #[test]
    fn an_address_has_a_hundred_failures_and_then_one_a_minute() {
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
    fn what_does_not_count_leaves_no_trace() {
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
        // The fifth is under way when the fourth is given back: one more may come, and then no other.
        let three = fail(PER_ACCOUNT_AND_ADDRESS, &[0; 3]).0;
        let four = PER_ACCOUNT_AND_ADDRESS.attempt(three, at(0)).unwrap();
        let five = PER_ACCOUNT_AND_ADDRESS.attempt(Some(four), at(0)).unwrap();
        assert!(PER_ACCOUNT_AND_ADDRESS.attempt(Some(five), at(0)).is_err());
        let given_back = PER_ACCOUNT_AND_ADDRESS.refund(five, three);
        let five = PER_ACCOUNT_AND_ADDRESS.attempt(Some(given_back), at(0)).unwrap();
        assert!(PER_ACCOUNT_AND_ADDRESS.attempt(Some(five), at(0)).is_err());
    }

    #[test]
    fn a_clock_that_is_set_back_makes_nobody_wait_for_long() {
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
            assert_eq!(prefix(address.parse().unwrap()), counted.parse::<IpAddr>().unwrap(), "{address}");
        }
    }
}
