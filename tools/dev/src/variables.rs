//! Which variables of the environment `cargo dev` uses, and which it ignores.

use std::path::Path;

use goptri_server::KNOWN_VARIABLES;
use goptri_settings::Environment;

/// The variables that are taken. All others come from the folder of `cargo dev`, or have their defaults.
const TAKEN: [&str; 21] = [
    "ACCESS_TOKEN_TTL",
    "API_SERVER_ADDR",
    "AUTH_SERVER_ADDR",
    "CLOCK_LEEWAY",
    "CORS_ORIGINS",
    "DEFAULT_SCOPE",
    "LOG_FORMAT",
    "METRICS_ADDR",
    "ON_STALE",
    "PASSWORD_MIN_LENGTH",
    "REFRESH_FORGIVENESS",
    "REFRESH_GRACE",
    "REFRESH_ROTATION",
    "REFRESH_TOKEN_IDLE_TTL",
    "REFRESH_TOKEN_TTL",
    "REGISTRATION",
    "REQUEST_LOG",
    "REVOCATION_MAX_STALENESS",
    "RUST_LOG",
    "TRUSTED_PROXIES",
    "VERIFIED_CACHE_ENTRIES",
];

/// The variables of the process's environment that are used, and the names of those that are ignored.
pub(crate) struct Variables {
    pub(crate) taken: Vec<(&'static str, String)>,
    pub(crate) ignored: Vec<&'static str>,
}

impl Variables {
    /// Sorts the variables of the process. `.env` in the working directory is ignored too.
    pub(crate) fn of_process(process: &Environment) -> Self {
        let set = |name: &&'static str| process.get(name).map(|value| (*name, value.to_owned()));
        let taken = TAKEN.iter().filter_map(set).collect();
        let ignored = KNOWN_VARIABLES
            .into_iter()
            .filter(|name| !TAKEN.contains(name) && *name != "RUST_BACKTRACE" && process.get(name).is_some());
        let dotenv = Path::new(".env").exists().then_some(".env");
        Self { taken, ignored: ignored.chain(dotenv).collect() }
    }

    /// The variables that are used, as an environment of their own.
    pub(crate) fn environment(&self) -> Environment {
        Environment::from_pairs(self.taken.iter().map(|(name, value)| (*name, value.as_str())))
    }

    pub(crate) fn is_taken(&self, name: &str) -> bool {
        self.taken.iter().any(|(taken, _)| *taken == name)
    }
}
