//! Durations in settings and in messages.

use chrono::TimeDelta;

/// Parses `500ms`, `30s`, `15m`, `1h`, `7d` or `0`.
///
/// # Errors
/// A clause that follows the variable's name.
pub fn parse_duration(text: &str) -> Result<TimeDelta, String> {
    let invalid = || format!("is {text:?}; a duration is written like 30s, 15m, 1h or 7d");
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: i64 = number.parse().map_err(|_| invalid())?;
    let millis = match unit {
        "" if number == 0 => 0,
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(invalid()),
    };
    // No setting needs more than a century, and sums of such durations cannot overflow.
    let millis =
        number.checked_mul(millis).filter(|millis| *millis <= 100 * 365 * 86_400_000).ok_or_else(invalid)?;
    Ok(TimeDelta::milliseconds(millis))
}

/// Formats a duration in the largest unit of which it has at least two, rounded down: `15 minutes`, `90 minutes`.
pub fn describe_duration(duration: TimeDelta) -> String {
    let seconds = duration.num_seconds().max(0);
    let (number, unit) = match seconds {
        s if s >= 172_800 => (s / 86_400, "day"),
        s if s >= 7_200 => (s / 3_600, "hour"),
        s if s >= 120 => (s / 60, "minute"),
        s => (s, "second"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_one_number_and_one_unit() {
        let table = [
            ("0", 0),
            ("0s", 0),
            ("500ms", 500),
            ("30s", 30_000),
            ("15m", 900_000),
            ("1h", 3_600_000),
            ("7d", 604_800_000),
        ];
        for (text, millis) in table {
            assert_eq!(parse_duration(text), Ok(TimeDelta::milliseconds(millis)), "{text}");
        }
        for text in
            ["", "15", "m", "-1s", "1.5h", "15 m", "15M", "99999999999d", "99999999999999999999s", "1h30m"]
        {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
