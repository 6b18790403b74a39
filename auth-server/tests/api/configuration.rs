//! Every bad setting has one sentence, which says what is wrong and shows no part of a secret or a password.

use auth_server::Config;
use goptri_settings::Environment;

use test_support::{ACCESS_TOKEN_SECRET, BadSetting, FEED_SECRET, REFRESH_TOKEN_SECRET, assert_sentences};

const TABLE: [BadSetting<'_>; 51] = [
    (
        &[("AUTH_SERVER_ADDR", "4000")],
        "AUTH_SERVER_ADDR is \"4000\"; it must be an IP address and a port, such as 127.0.0.1:4000",
    ),
    (
        &[("AUTH_SERVER_ADDR", "localhost:4000")],
        "AUTH_SERVER_ADDR is \"localhost:4000\"; it must be an IP address and a port, such as 127.0.0.1:4000",
    ),
    (
        &[("METRICS_ADDR", "9300")],
        "METRICS_ADDR is \"9300\"; it must be an IP address and a port, such as 127.0.0.1:9300",
    ),
    (
        &[("METRICS_ADDR", "127.0.0.1:4000")],
        "METRICS_ADDR is \"127.0.0.1:4000\", where this server itself listens; choose another port",
    ),
    (
        &[("ISSUER", "http://example.com")],
        "ISSUER is \"http://example.com\"; plain http is for localhost only, use https",
    ),
    (
        &[("ISSUER", "https://example.com/")],
        "ISSUER is \"https://example.com/\"; it is compared letter by letter, so it must not end with a slash or contain a space",
    ),
    (
        &[("ISSUER", "https://ann:hunter2-5f2a9c4be1d07836@example.com")],
        "ISSUER is a URL with a user or a password in it; leave them out",
    ),
    (
        &[("ISSUER", "https://example.com\r")],
        "ISSUER ends with a carriage return; save the file that it comes from with LF line endings",
    ),
    (&[("AUDIENCE", "a b")], "AUDIENCE is \"a b\"; it must be one name without white space"),
    (
        &[("AUDIENCE", "http://localhost:4000")],
        "AUDIENCE is the same as ISSUER; give the service a name of its own",
    ),
    (&[("CLOCK_LEEWAY", "301s")], "CLOCK_LEEWAY is more than 5m, the most that is safe"),
    (&[("CLOCK_LEEWAY", "soon")], "CLOCK_LEEWAY is \"soon\"; a duration is written like 30s, 15m, 1h or 7d"),
    (&[("ACCESS_TOKEN_TTL", "1d")], "ACCESS_TOKEN_TTL is \"1d\"; it must be from 1s to 1h"),
    (
        &[("REFRESH_GRACE", "2h")],
        "REFRESH_GRACE is \"2h\"; within the grace a thief is not noticed, so it is 1h at most",
    ),
    (
        &[("REFRESH_TOKEN_TTL", "0s")],
        "REFRESH_TOKEN_TTL is \"0s\"; it must be at least 1s, or unset for no limit",
    ),
    (
        &[("REFRESH_TOKEN_IDLE_TTL", "1m")],
        "REFRESH_TOKEN_IDLE_TTL is not longer than ACCESS_TOKEN_TTL: a client that refreshes when its access token ends comes too late",
    ),
    (&[("REFRESH_FORGIVENESS", "yes")], "REFRESH_FORGIVENESS is \"yes\"; it must be on or off"),
    (&[("REFRESH_ROTATION", "no")], "REFRESH_ROTATION is \"no\"; it must be on or off"),
    (
        &[("DEFAULT_SCOPE", "photos:read,photos:write")],
        "DEFAULT_SCOPE is \"photos:read,photos:write\"; separate scopes by spaces",
    ),
    (&[("REGISTRATION", "maybe")], "REGISTRATION is \"maybe\"; it must be open or closed"),
    (
        &[("PASSWORD_MIN_LENGTH", "7")],
        "PASSWORD_MIN_LENGTH is \"7\"; it must be a number of characters from 8 to 1024",
    ),
    (
        &[("TRUSTED_PROXIES", "0.0.0.0/0")],
        "TRUSTED_PROXIES contains 0.0.0.0/0, which is every address: then any client could claim any address",
    ),
    (
        &[("TRUSTED_PROXIES", "proxy.example.com")],
        "TRUSTED_PROXIES contains \"proxy.example.com\", which is not an address or network such as 127.0.0.1 or 10.0.0.0/8",
    ),
    (&[("REQUEST_LOG", "yes")], "REQUEST_LOG is \"yes\"; it must be on or off"),
    (&[("REFRESH_BATCHING", "true")], "REFRESH_BATCHING is \"true\"; it must be auto, on or off"),
    (&[("AUTO_MIGRATE", "true")], "AUTO_MIGRATE is \"true\"; it must be on or off"),
    (
        &[("AUTO_MIGRATE", "on\r")],
        "AUTO_MIGRATE ends with a carriage return; save the file that it comes from with LF line endings",
    ),
    (&[("DATABASE_CONNECTIONS", "3")], "DATABASE_CONNECTIONS is \"3\"; it must be a number from 4 to 1000"),
    (
        &[("ACCESS_TOKEN_SIGNED_BY", "key")],
        "ACCESS_TOKEN_SIGNED_BY is key, and ACCESS_TOKEN_KEY_FILE is not set",
    ),
    (&[("ACCESS_TOKEN_SIGNED_BY", "both")], "ACCESS_TOKEN_SIGNED_BY is \"both\"; it must be key or secret"),
    (
        &[("ACCESS_TOKEN_KEY_FILE", "/nowhere/at/all")],
        "ACCESS_TOKEN_KEY_FILE names the file \"/nowhere/at/all\", which cannot be read: No such file or directory (os error 2)",
    ),
    (
        &[("ACCESS_TOKEN_SECRET", "hunter2-5f2a9c4be1d07836")],
        "ACCESS_TOKEN_SECRET is 24 bytes long; it needs at least 32. `auth-server secrets` prints good ones",
    ),
    (
        &[("ACCESS_TOKEN_SECRET", "changemechangemechangemechangemechangeme")],
        "ACCESS_TOKEN_SECRET is a well-known default. `auth-server secrets` prints good ones",
    ),
    (
        &[("ACCESS_TOKEN_SECRET", "hunter2-5f2a9c4be1d07836 hunter2-5f2a9c4be1d07836")],
        "ACCESS_TOKEN_SECRET contains white space or control characters, like a passphrase or a pasted line break. `auth-server secrets` prints good ones",
    ),
    (
        &[("ACCESS_TOKEN_SECRET", "aaaabbbbaaaabbbbaaaabbbbaaaabbbbaaaabbbb")],
        "ACCESS_TOKEN_SECRET repeats a few characters. `auth-server secrets` prints good ones",
    ),
    (
        &[("ACCESS_TOKEN_SECRET", "\u{feff}hunter2-5f2a9c4be1d07836hunter2-5f2a9c4be1d07836")],
        "ACCESS_TOKEN_SECRET begins with a byte order mark; save the file that it comes from as UTF-8 without a byte order mark",
    ),
    (
        &[("ACCESS_TOKEN_SECRET", "hunter2-5f2a9c4be1d07836hunter2-5f2a9c4be1d07836\r")],
        "ACCESS_TOKEN_SECRET ends with a carriage return; save the file that it comes from with LF line endings",
    ),
    (
        &[("ACCESS_TOKEN_SECRET", "")],
        "ACCESS_TOKEN_SECRET is not set, nor is ACCESS_TOKEN_SECRET_FILE, nor ACCESS_TOKEN_KEY_FILE. `auth-server secrets` prints good ones",
    ),
    (
        &[("REFRESH_TOKEN_SECRET", "")],
        "REFRESH_TOKEN_SECRET is not set, nor is REFRESH_TOKEN_SECRET_FILE. `auth-server secrets` prints good ones",
    ),
    (
        &[("FEED_SECRET", "hunter2-5f2a9c4be1d07836hunter2,x")],
        "FEED_SECRET is 31 bytes long; it needs at least 32. `auth-server secrets` prints good ones",
    ),
    (&[("FEED_SECRET", ACCESS_TOKEN_SECRET)], "FEED_SECRET is identical to ACCESS_TOKEN_SECRET"),
    (
        &[("FEED_SECRET_FILE", "/nowhere/at/all")],
        "FEED_SECRET and FEED_SECRET_FILE are both set; set only one of them",
    ),
    (
        &[("FEED_SECRET", ""), ("FEED_SECRET_FILE", "/nowhere/at/all")],
        "FEED_SECRET_FILE names the file \"/nowhere/at/all\", which cannot be read: No such file or directory (os error 2)",
    ),
    (
        &[("DATABASE_URL", "oracle://ann:hunter2-5f2a9c4be1d07836@db/goptri")],
        "DATABASE_URL starts with neither sqlite:// nor postgres://",
    ),
    (
        &[(
            "DATABASE_URL",
            "postgres://ann:hunter2-5f2a9c4be1d07836@a,b/goptri?target_session_attrs=standby",
        )],
        "DATABASE_URL is not valid: the parameter target_session_attrs must be read-write or any, because auth-server \
         writes",
    ),
    (
        &[("DATABASE_URL", "postgres://ann:hunter2-5f2a9c4be1d07836@a,,b/goptri")],
        "DATABASE_URL is not valid: a host is missing in the list; write HOST:PORT,HOST:PORT \
         without a comma before or after it",
    ),
    (
        &[("DATABASE_URL", "postgres://ann:hunter2-5f2a9c4be1d07836@a,b/goptri?port=1,2,3")],
        "DATABASE_URL is not valid: the numbers of hosts (2) and ports (3) differ; write one for each \
         host, or one port for all",
    ),
    (
        &[("DATABASE_URL", "postgres://ann:hunter2-5f2a9c4be1d07836@a,b:99999/goptri")],
        "DATABASE_URL is not valid: the parameter port must be a number up to 65535",
    ),
    (
        &[("DATABASE_URL", "postgres://ann:hunter2-5f2a9c4be1d07836@a,b,c,d,e,f,g,h,i/goptri")],
        "DATABASE_URL is not valid: it has 9 hosts; it may have 8",
    ),
    (
        &[("DATABASE_URL", "sqlite::memory:")],
        "DATABASE_URL is an in-memory database, which each connection would have for itself; use a file",
    ),
    (
        &[("DATABASE_URL", "postgres://ann:hunter2-5f2a9c4be1d07836@db/goptri\r")],
        "DATABASE_URL ends with a carriage return; save the file that it comes from with LF line endings",
    ),
];

/// The errors of a configuration with these variables.
#[test]
fn each_bad_setting_has_its_sentence_without_any_part_of_a_secret() {
    assert_sentences(&TABLE, |variables| {
        let good = [
            ("ACCESS_TOKEN_SECRET", ACCESS_TOKEN_SECRET),
            ("REFRESH_TOKEN_SECRET", REFRESH_TOKEN_SECRET),
            ("FEED_SECRET", FEED_SECRET),
        ];
        let environment = Environment::from_pairs(good.iter().chain(variables).copied());
        Config::from_environment(&environment).map(|_| ())
    });
}
