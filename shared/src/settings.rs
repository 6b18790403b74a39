//! Reads typed settings out of the environment and reports every fault at once, by the variable's name.

use std::cell::RefCell;
use std::fmt;
use std::fs;
use std::net::SocketAddr;

use chrono::TimeDelta;
use url::Url;

use crate::secret::{AccessTokenSecret, Kind, Plain};
use crate::{AccessVerifier, Environment, KeyRing, WeakSecret};

/// Reads settings; a fault is noted and the reading goes on, so that all are found in one go.
#[derive(Debug)]
pub struct Settings<'a> {
    environment: &'a Environment,
    faults: RefCell<Vec<Fault>>,
    secrets: RefCell<Vec<(&'static str, Plain<Any>)>>,
}

#[derive(Debug)]
enum Any {}
impl Kind for Any {
    const NAME: &'static str = "secret";
}

/// One variable that cannot be used, and why. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The variable's name.
    pub variable: String,
    /// A clause that follows the name: `is not set`.
    pub problem: String,
}

/// All that is wrong with a configuration.
#[derive(Clone, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        self.0.iter().try_for_each(|Fault { variable, problem }| write!(f, "\n  {variable} {problem}"))
    }
}

impl fmt::Debug for Faults {
    /// As in `Display`: it is what `fn main() -> Result<(), Faults>` shows a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Faults {}

impl<'a> Settings<'a> {
    /// Starts reading.
    pub fn new(environment: &'a Environment) -> Self {
        Self { environment, faults: RefCell::default(), secrets: RefCell::default() }
    }

    /// Notes that `variable` cannot be used.
    pub fn fault(&self, variable: &str, problem: impl fmt::Display) {
        self.faults.borrow_mut().push(Fault { variable: variable.to_owned(), problem: problem.to_string() });
    }

    /// The variable, or `default`, parsed. `None` means that a fault was noted.
    pub fn value<T, E: fmt::Display>(
        &self,
        variable: &str,
        default: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.environment.get(variable).unwrap_or(default);
        parse(text).map_err(|problem| self.fault(variable, problem)).ok()
    }

    /// The variable parsed, if it is set: `Some(None)` when it is not, `None` when a fault was noted.
    pub fn optional<T, E: fmt::Display>(
        &self,
        variable: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Option<T>> {
        match self.environment.get(variable) {
            None => Some(None),
            Some(text) => parse(text).map(Some).map_err(|problem| self.fault(variable, problem)).ok(),
        }
    }

    /// The address to listen on: an IP address and a port.
    pub fn address(&self, variable: &str, default: &str) -> Option<SocketAddr> {
        self.value(variable, default, |text| {
            text.parse()
                .map_err(|_| format!("is {text:?}; it is an IP address and a port, such as {default}"))
        })
    }

    /// `on` or `off`.
    pub fn switch(&self, variable: &str, default: bool) -> Option<bool> {
        self.value(variable, if default { "on" } else { "off" }, |text| match text {
            "on" => Ok(true),
            "off" => Ok(false),
            other => Err(format!("is {other:?}; it is either on or off")),
        })
    }

    /// Secrets separated by commas, from `NAME` or the file `NAME_FILE`: the first signs, all verify.
    pub fn secrets<K: Kind>(&self, variable: &'static str) -> Option<(Plain<K>, Vec<Plain<K>>)> {
        let text = self.secret_text(variable)?;
        let mut all = Vec::new();
        for secret in text.expose().split(',') {
            if let Err(weak) = WeakSecret::check(secret) {
                self.fault(variable, weak);
                return None;
            }
            self.compare_with_other_secrets(variable, secret);
            all.push(Plain::new(secret.to_owned()));
        }
        let first = all.remove(0);
        Some((first, all))
    }

    /// `NAME`, or what the file `NAME_FILE` holds, or `default`, parsed; for what may be a secret in part.
    pub fn text_or_file<T>(
        &self,
        variable: &str,
        default: &str,
        parse: impl FnOnce(String) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.read(variable).map_err(|(at, problem)| self.fault(&at, problem)).ok()?;
        parse(text.unwrap_or_else(|| default.to_owned()))
            .map_err(|problem| self.fault(variable, problem))
            .ok()
    }

    fn secret_text(&self, variable: &str) -> Option<Plain<Any>> {
        match self.read(variable) {
            Ok(Some(text)) => Some(Plain::new(text)),
            Ok(None) => {
                self.fault(
                    variable,
                    format!("is not set, nor is {variable}_FILE. `auth-server secrets` prints good ones"),
                );
                None
            }
            Err((at, problem)) => {
                self.fault(&at, problem);
                None
            }
        }
    }

    /// The text of `NAME`, or of the file `NAME_FILE` without one newline at its end; or whose fault it is.
    fn read(&self, variable: &str) -> Result<Option<String>, (String, String)> {
        let file_variable = format!("{variable}_FILE");
        match (self.environment.get(variable), self.environment.get(&file_variable)) {
            (text, None) => Ok(text.map(str::to_owned)),
            (None, Some(path)) => match fs::read_to_string(path) {
                Ok(text) => Ok(Some(text.strip_suffix('\n').map(str::to_owned).unwrap_or(text))),
                Err(error) => {
                    Err((file_variable, format!("names the file {path:?}, which cannot be read: {error}")))
                }
            },
            (Some(_), Some(_)) => Err((
                variable.to_owned(),
                format!("is set, and so is {file_variable}; only one of them may be"),
            )),
        }
    }

    fn compare_with_other_secrets(&self, variable: &'static str, secret: &str) {
        let mut known = self.secrets.borrow_mut();
        if let Some((other, _)) = known.iter().find(|(_, known)| known.expose() == secret) {
            let problem = if *other == variable {
                "has the same secret twice".to_owned()
            } else {
                format!("is identical to {other}")
            };
            self.fault(variable, problem);
        }
        known.push((variable, Plain::new(secret.to_owned())));
    }

    /// `ISSUER`: who issues the tokens, exactly as it stands in their `iss`.
    pub fn issuer(&self) -> Option<String> {
        self.value("ISSUER", "http://localhost:4000", |text| base_url(text).map(|_| text.to_owned()))
    }

    /// `AUDIENCE`: for whom the tokens are, exactly as it stands in their `aud`.
    pub fn audience(&self) -> Option<String> {
        self.value("AUDIENCE", "http://localhost:3000", |text| {
            if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
                return Err(format!("is {text:?}; it is one name without white space"));
            }
            Ok(text.to_owned())
        })
    }

    /// `CLOCK_LEEWAY`: how far the clocks of the two servers may differ, at most 5 minutes (JV-16).
    pub fn clock_leeway(&self) -> Option<TimeDelta> {
        self.value("CLOCK_LEEWAY", "30s", |text| match parse_duration(text)? {
            leeway if leeway > TimeDelta::minutes(5) => {
                Err("is more than 5m, the most that is safe".to_owned())
            }
            leeway => Ok(leeway),
        })
    }

    /// `ACCESS_TOKEN_SECRET` as a ring of keys.
    pub fn access_keys(&self) -> Option<KeyRing> {
        let (first, others) = self.secrets::<AccessTokenSecret>("ACCESS_TOKEN_SECRET")?;
        KeyRing::from_secrets(&first, &others).map_err(|weak| self.fault("ACCESS_TOKEN_SECRET", weak)).ok()
    }

    /// What verifies access tokens for `AUDIENCE`.
    pub fn access_verifier(&self) -> Option<AccessVerifier> {
        let (keys, issuer, audience, leeway) =
            (self.access_keys(), self.issuer(), self.audience(), self.clock_leeway());
        Some(AccessVerifier::new(keys?, issuer?, audience?, leeway?))
    }

    /// The configuration, if no fault was noted on the way.
    pub fn finish<T>(self, configuration: Option<T>) -> Result<T, Faults> {
        let faults = self.faults.into_inner();
        match configuration {
            Some(configuration) if faults.is_empty() => Ok(configuration),
            _ => Err(Faults(faults)),
        }
    }
}

/// An absolute URL that other URLs are built on: https, or http on this machine alone (OP-04).
fn base_url(text: &str) -> Result<Url, String> {
    if text.contains('@') {
        // Not shown: what stands before the @ may be a password.
        return Err("is a URL with a user or a password in it; leave them out".to_owned());
    }
    let url = Url::parse(text).map_err(|error| format!("is {text:?}, which is no URL: {error}"))?;
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match url.scheme() {
        "https" => {}
        "http" if local => {}
        "http" => return Err(format!("is {text:?}; plain http is for localhost only, use https")),
        _ => return Err(format!("is {text:?}; it starts with https://")),
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("is {text:?}; it has no query or fragment"));
    }
    if text.ends_with('/') || text.chars().any(char::is_whitespace) {
        return Err(format!(
            "is {text:?}; it is compared letter by letter, so it has no slash or space at its end"
        ));
    }
    Ok(url)
}

/// Parses `500ms`, `30s`, `15m`, `1h`, `7d` or `0`.
pub fn parse_duration(text: &str) -> Result<TimeDelta, String> {
    let wrong = || format!("is {text:?}; a duration is written like 30s, 15m, 1h or 7d");
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: i64 = number.parse().map_err(|_| wrong())?;
    let millis = match unit {
        "" if number == 0 => 0,
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    // A century is more than any setting means, and far from overflow everywhere.
    let millis =
        number.checked_mul(millis).filter(|millis| *millis <= 100 * 365 * 86_400_000).ok_or_else(wrong)?;
    Ok(TimeDelta::milliseconds(millis))
}

/// A duration for people, in its largest whole unit: `15 minutes`.
pub fn duration_in_words(duration: TimeDelta) -> String {
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

    const GOOD: &str = "5f2a9c4be1d078365f2a9c4be1d07836";

    fn faults(pairs: &[(&str, &str)]) -> Vec<String> {
        let environment = Environment::from_pairs(pairs.iter().copied());
        let settings = Settings::new(&environment);
        let verifier = settings.access_verifier();
        let other = settings.secrets::<crate::FeedSecret>("FEED_SECRET");
        match settings.finish(verifier.zip(other)) {
            Ok(_) => Vec::new(),
            Err(Faults(faults)) => {
                faults.into_iter().map(|fault| format!("{} {}", fault.variable, fault.problem)).collect()
            }
        }
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let found = faults(&[
            ("ISSUER", "http://example.com"),
            ("AUDIENCE", "a b"),
            ("CLOCK_LEEWAY", "6m"),
            ("FEED_SECRET", "x"),
        ]);
        let names: Vec<_> = found.iter().filter_map(|fault| fault.split(' ').next()).collect();
        assert_eq!(names, ["ACCESS_TOKEN_SECRET", "ISSUER", "AUDIENCE", "CLOCK_LEEWAY", "FEED_SECRET"]);
    }

    /// JV-16, JV-23, OP-04
    #[test]
    fn each_fault_has_its_sentence() {
        let other = "8e71d2c5f0a9364b8e71d2c5f0a9364b";
        let table: [(&[(&str, &str)], &str); 12] = [
            (&[("ISSUER", "http://example.com")], "ISSUER is \"http://example.com\"; plain http"),
            (
                &[("ISSUER", "http://localhost:4000/")],
                "ISSUER is \"http://localhost:4000/\"; it is compared letter by letter",
            ),
            (&[("ISSUER", "ftp://localhost")], "ISSUER is \"ftp://localhost\"; it starts with https://"),
            (&[("ISSUER", "nonsense")], "ISSUER is \"nonsense\", which is no URL"),
            (&[("ISSUER", "https://me:pw@example.com")], "ISSUER is a URL with a user or a password in it"),
            (&[("CLOCK_LEEWAY", "301s")], "CLOCK_LEEWAY is more than 5m"),
            (&[("CLOCK_LEEWAY", "-1s")], "CLOCK_LEEWAY is \"-1s\"; a duration"),
            (&[("ACCESS_TOKEN_SECRET", "secret")], "ACCESS_TOKEN_SECRET is a well-known default"),
            (&[("ACCESS_TOKEN_SECRET", other)], "FEED_SECRET is identical to ACCESS_TOKEN_SECRET"),
            (
                &[("ACCESS_TOKEN_SECRET", "5f2a9c4be1d078365f2a9c4be1d07836,")],
                "ACCESS_TOKEN_SECRET is 0 bytes long",
            ),
            (&[("ACCESS_TOKEN_SECRET_FILE", "/nowhere/at/all")], "ACCESS_TOKEN_SECRET is set, and so is"),
            (
                &[("ACCESS_TOKEN_SECRET", ""), ("ACCESS_TOKEN_SECRET_FILE", "/nowhere/at/all")],
                "ACCESS_TOKEN_SECRET_FILE names the file",
            ),
        ];
        for (wrong, expected) in table {
            let mut pairs = vec![("ACCESS_TOKEN_SECRET", GOOD), ("FEED_SECRET", other)];
            pairs.extend(wrong);
            let found = faults(&pairs);
            assert!(found.len() == 1 && found[0].starts_with(expected), "{wrong:?}: {found:?}");
            assert!(!found[0].contains(GOOD) && !found[0].contains(other), "{found:?}");
        }
        assert_eq!(faults(&[("ACCESS_TOKEN_SECRET", GOOD), ("FEED_SECRET", other)]), [""; 0]);
    }

    #[test]
    fn durations_have_one_unit() {
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
