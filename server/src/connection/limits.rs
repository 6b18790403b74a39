//! How long a connection may wait for its client.

use std::time::Duration;

use goptri_settings::{Settings, parse_duration};

/// Above this, an idle connection is a leak.
const MAX_KEEP_ALIVE: Duration = Duration::from_hours(1);

/// The limits of each connection.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// `KEEP_ALIVE`: a connection without a request is closed after this time.
    pub keep_alive: Duration,
    /// The longest time from a connection to the end of its TLS handshake.
    pub handshake: Duration,
    /// The longest time from the first byte of a request's head to its last.
    pub head: Duration,
    /// The longest wait, after a response, for the rest of a body that was not read.
    pub drain: Duration,
    /// The longest wait for a client that reads nothing of its responses.
    pub write: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            keep_alive: Duration::from_secs(75),
            handshake: Duration::from_secs(5),
            head: Duration::from_secs(10),
            drain: Duration::from_secs(5),
            write: Duration::from_secs(30),
        }
    }
}

impl ConnectionLimits {
    /// `KEEP_ALIVE`; the others cannot be set.
    pub fn read(settings: &Settings<'_>) -> Option<Self> {
        let keep_alive = settings.value("KEEP_ALIVE", "75s", |text| {
            let keep_alive = parse_duration(text)?.to_std().unwrap_or_default();
            if keep_alive < Duration::from_secs(1) || keep_alive > MAX_KEEP_ALIVE {
                return Err(format!("is {text:?}; it must be from 1s to 1h"));
            }
            Ok(keep_alive)
        });
        keep_alive.map(|keep_alive| Self { keep_alive, ..Self::default() })
    }
}

#[cfg(test)]
mod tests {
    use goptri_settings::Environment;

    use super::*;

    #[test]
    fn idle_connections_are_kept_for_75_seconds_or_as_long_as_the_setting_says() {
        let read = |value: Option<&str>| {
            let environment = Environment::from_pairs(value.map(|value| ("KEEP_ALIVE", value)));
            let settings = Settings::new(&environment);
            let limits = ConnectionLimits::read(&settings);
            settings
                .into_result(limits)
                .map(|limits| limits.keep_alive.as_secs())
                .map_err(|error| error.to_string())
        };
        assert_eq!(read(None), Ok(75));
        for (text, seconds) in [("1s", 1), ("620s", 620), ("10m", 600), ("1h", 3600)] {
            assert_eq!(read(Some(text)), Ok(seconds), "{text}");
        }
        for bad in ["0", "0s", "61m", "-1s", "75", "soon"] {
            let error = read(Some(bad)).unwrap_err();
            assert!(error.contains(&format!("KEEP_ALIVE is {bad:?}")), "{error}");
        }
    }
}
