//! The hosts of a URL. libpq allows several, separated by commas; the driver takes one.

use sqlx::postgres::PgConnectOptions;
use url::form_urlencoded;

use crate::url::InvalidUrl;

/// The most hosts that a URL may name, because all are probed at the same time.
pub(crate) const MAX_HOSTS: usize = 8;

/// The parameters of a URL that name hosts, and the one that says which of them to use.
const HOST_PARAMETERS: [&str; 4] = ["host", "hostaddr", "port", "target_session_attrs"];

/// Replaces the host in a URL whose parameters name the host, because a URL with a user must have a host.
const PLACEHOLDER: &str = "localhost";

/// Which of the hosts is used, as libpq's `target_session_attrs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionAttrs {
    /// The first one that answers.
    Any,
    /// The one that accepts writes.
    ReadWrite,
}

/// The servers that a URL names.
#[derive(Debug, Clone)]
pub(crate) struct Hosts {
    /// How to connect to each.
    pub(crate) options: Vec<PgConnectOptions>,
    pub(crate) attrs: SessionAttrs,
}

impl Hosts {
    /// `host:port` of one of them.
    pub(crate) fn address(&self, host: usize) -> String {
        self.options.get(host).map_or_else(String::new, address)
    }

    /// The addresses of all hosts.
    pub(crate) fn addresses(&self) -> String {
        self.options.iter().map(address).collect::<Vec<_>>().join(", ")
    }
}

/// `host:port`, or the path of the socket.
fn address(options: &PgConnectOptions) -> String {
    let (host, port) = (options.get_host(), options.get_port());
    match options.get_socket() {
        Some(folder) => format!("{}/.s.PGSQL.{port}", folder.display()),
        None if host.starts_with('/') => format!("{host}/.s.PGSQL.{port}"),
        None if host.contains(':') && !host.starts_with('[') => format!("[{host}]:{port}"),
        None => format!("{host}:{port}"),
    }
}

/// The parts of `scheme://user:password@hosts/database?parameters`.
struct Parts<'a> {
    scheme: &'a str,
    /// With the `@`, or empty.
    user: &'a str,
    hosts: &'a str,
    /// With the `/`, or empty.
    path: &'a str,
    query: &'a str,
}

impl<'a> Parts<'a> {
    fn of(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, hosts) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
        Some(Self { scheme, user, hosts, path, query })
    }

    /// A URL with one host and these parameters.
    fn url(&self, host: &str, query: &str) -> String {
        let Self { scheme, user, path, .. } = self;
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{scheme}://{user}{host}{path}{mark}{query}")
    }

    /// The value of the parameter of this name.
    fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find_map(|(key, value)| (key == name).then(|| value.into_owned()))
    }

    /// The parameters that are not about hosts.
    fn others(&self) -> form_urlencoded::Serializer<'static, String> {
        let pairs = form_urlencoded::parse(self.query.as_bytes());
        let mut others = form_urlencoded::Serializer::new(String::new());
        others.extend_pairs(pairs.filter(|(key, _)| !HOST_PARAMETERS.contains(&&**key)));
        others
    }
}

/// The URL with the first of its hosts, to check everything else.
pub(crate) fn with_first_host(url: &str) -> String {
    let Some(parts) = Parts::of(url) else { return url.to_owned() };
    let named_in_query = parts.parameter("host").or(parts.parameter("hostaddr")).is_some();
    if parts.hosts.contains(',') || (parts.hosts.is_empty() && named_in_query) {
        let mut hosts = parts.hosts.split(',');
        let first = hosts.find(|host| !host_and_port(host).0.is_empty()).unwrap_or(PLACEHOLDER);
        return parts.url(first, parts.query);
    }
    url.to_owned()
}

/// One URL for each host, without `target_session_attrs`, which the driver does not know.
///
/// As in libpq, the parameters `host` and `port` replace those before the path, and one port may be that of all hosts.
pub(crate) fn one_url_each(url: &str) -> Result<Vec<String>, InvalidUrl> {
    let Some(parts) = Parts::of(url) else { return Ok(vec![url.to_owned()]) };
    let host_parameter = parts.parameter("host");
    let addresses = parts.parameter("hostaddr");
    let (names, numbers): (Vec<_>, Vec<_>) = parts.hosts.split(',').map(host_and_port).unzip();
    let names: Vec<&str> = host_parameter.as_deref().map_or(names, |hosts| hosts.split(',').collect());
    let port_parameter = parts.parameter("port");
    let numbers: Vec<&str> = port_parameter.as_deref().map_or(numbers, |ports| ports.split(',').collect());

    let is_named = host_parameter.is_some() || !parts.hosts.is_empty();
    let addresses: Option<Vec<&str>> = addresses.as_deref().map(|addresses| addresses.split(',').collect());
    if let Some(addresses) = addresses.as_ref().filter(|all| is_named && all.len() != names.len()) {
        return Err(InvalidUrl::Counts {
            hosts: names.len(),
            others: addresses.len(),
            of: "addresses in hostaddr",
        });
    }
    let parameter = if addresses.is_some() { "hostaddr" } else { "host" };
    let in_query = addresses.is_some() || host_parameter.is_some();
    let hosts = addresses.unwrap_or(names);
    if hosts.len() > MAX_HOSTS {
        return Err(InvalidUrl::TooManyHosts(hosts.len()));
    }
    if hosts.len() > 1 && hosts.iter().any(|host| host.is_empty()) {
        return Err(InvalidUrl::EmptyHost);
    }
    if numbers.len() > 1 && numbers.len() != hosts.len() {
        return Err(InvalidUrl::Counts { hosts: hosts.len(), others: numbers.len(), of: "ports" });
    }
    let one = |(index, host): (usize, &&str)| {
        let port = numbers
            .get(index)
            .or(numbers.first().filter(|_| numbers.len() == 1))
            .copied()
            .unwrap_or_default();
        let mut query = parts.others();
        if in_query {
            query.append_pair(parameter, host);
        }
        if !port.is_empty() {
            query.append_pair("port", port);
        }
        parts.url(if in_query { PLACEHOLDER } else { host }, &query.finish())
    };
    Ok(hosts.iter().enumerate().map(one).collect())
}

/// The host, and the port or nothing.
fn host_and_port(text: &str) -> (&str, &str) {
    // The colons of an IPv6 address are in brackets.
    let end = text.rfind(']').unwrap_or_default();
    match text[end..].find(':') {
        Some(colon) => (&text[..end + colon], &text[end + colon + 1..]),
        None => (text, ""),
    }
}

/// The URL without its password and parameters, for messages.
pub(crate) fn without_password(url: &str) -> Option<String> {
    let parts = Parts::of(url)?;
    let user = parts.user.trim_end_matches('@').split(':').next().unwrap_or_default();
    let at = if user.is_empty() { "" } else { "@" };
    Some(format!("{}://{user}{at}{}{}", parts.scheme, parts.hosts, parts.path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::url::parse;

    #[test]
    fn hosts_and_ports_are_those_of_libpq() {
        let table = [
            ("postgres://ann@a/goptri", "a:5432"),
            ("postgres://ann@a:5433/goptri", "a:5433"),
            ("postgres://ann:secret@a,b/goptri", "a:5432, b:5432"),
            ("postgres://ann:secret@a:5433,b/goptri", "a:5433, b:5432"),
            ("postgres://ann:secret@a:5433,b:5434/goptri?sslmode=disable", "a:5433, b:5434"),
            ("postgres://a,b,c?port=6000", "a:6000, b:6000, c:6000"),
            ("postgres://a:1,b:2/goptri?port=3,4", "a:3, b:4"),
            ("postgres://[::1]:5433,[2001:db8::1],c:1/goptri", "[::1]:5433, [2001:db8::1]:5432, c:1"),
            ("postgres:///goptri?host=a,b&port=1,2", "a:1, b:2"),
            ("postgres://ann@/goptri?host=a,b", "a:5432, b:5432"),
            (
                "postgres://localhost/goptri?host=/run/a,/run/b&port=5433",
                "/run/a/.s.PGSQL.5433, /run/b/.s.PGSQL.5433",
            ),
            (
                "postgres://ann@localhost/x?host=%2Frun%2Fa%2C%2Frun%2Fb",
                "/run/a/.s.PGSQL.5432, /run/b/.s.PGSQL.5432",
            ),
            ("postgres://%2Frun%2Fa,%2Frun%2Fb:5433/goptri", "/run/a/.s.PGSQL.5432, /run/b/.s.PGSQL.5433"),
            ("postgres://a,b/goptri?hostaddr=10.0.0.1,10.0.0.2", "10.0.0.1:5432, 10.0.0.2:5432"),
            ("postgres:///goptri?hostaddr=10.0.0.1,::1&port=1,2", "10.0.0.1:1, [::1]:2"),
        ];
        for (url, expected) in table {
            assert_eq!(parse(url).unwrap().addresses(), expected, "{url}");
        }
    }

    #[test]
    fn user_password_database_and_parameters_are_those_of_every_host() {
        let url = "postgres://an%40n:7%2Fhunter2@a,b:1/gop%2Ftri?application_name=x%26y&options=-csearch_path%3Dapp";
        for options in parse(url).unwrap().options {
            assert_eq!(options.get_username(), "an@n");
            assert_eq!(options.get_database(), Some("gop/tri"));
            assert_eq!(options.get_application_name(), Some("x&y"));
            assert_eq!(options.get_options(), Some("-csearch_path=app"));
        }
    }

    #[test]
    fn several_hosts_are_searched_for_the_one_that_accepts_writes_unless_any_will_do() {
        let table = [
            ("postgres://a/goptri", SessionAttrs::Any),
            ("postgres://a,b/goptri", SessionAttrs::ReadWrite),
            ("postgres:///goptri?host=/a,/b", SessionAttrs::ReadWrite),
            ("postgres://a,b/goptri?target_session_attrs=any", SessionAttrs::Any),
            ("postgres://a/goptri?target_session_attrs=any", SessionAttrs::Any),
            ("postgres://a/goptri?target_session_attrs=read-write", SessionAttrs::ReadWrite),
        ];
        for (url, expected) in table {
            assert_eq!(parse(url).unwrap().attrs, expected, "{url}");
        }
    }

    #[test]
    fn an_invalid_list_of_hosts_is_an_error_that_says_what_is_wrong_and_shows_no_password() {
        let table = [
            ("ann:hunter2@a,,b/goptri", "a host is missing"),
            ("ann:hunter2@a,/goptri", "a host is missing"),
            ("ann:hunter2@,b/goptri", "a host is missing"),
            ("ann:hunter2@a,:5432/goptri", "a host is missing"),
            ("/goptri?password=hunter2&host=a,", "a host is missing"),
            ("ann:hunter2@a,b/goptri?port=1,2,3", "the numbers of hosts (2) and ports (3) differ"),
            ("ann:hunter2@a/goptri?port=1,2", "the numbers of hosts (1) and ports (2) differ"),
            ("ann:hunter2@a:1,b:2/goptri?host=c", "the numbers of hosts (1) and ports (2) differ"),
            (
                "ann:hunter2@a,b/goptri?hostaddr=10.0.0.1",
                "the numbers of hosts (2) and addresses in hostaddr (1) differ",
            ),
            ("ann:hunter2@a,b,c,d,e,f,g,h,i/goptri", "it has 9 hosts"),
            ("ann:hunter2@a,b:port/goptri", "the parameter port must be a number"),
            ("ann:hunter2@a,b:99999/goptri", "the parameter port must be a number"),
            ("ann:hunter2@a,b/goptri?port=1,hunter2", "the parameter port must be a number"),
            ("ann:hunter2@a,b/goptri?hostaddr=10.0.0.1,b", "the parameter hostaddr must be an IP address"),
            ("ann:hunter2@a,[::1/goptri", "invalid"),
            ("ann:hunter2@a,b c/goptri", "invalid"),
            ("ann:hunter2,x@a:hunter2,b/goptri", "invalid port number"),
        ];
        for (rest, expected) in table {
            let error = parse(&format!("postgres://{rest}")).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(error.to_string().contains(expected) && !shown.contains("hunter2"), "{rest}: {shown}");
        }
    }

    #[test]
    fn a_message_has_the_hosts_and_the_user_and_no_password() {
        let table = [
            ("postgres://ann:hunter2@a:1,b/goptri?sslmode=disable", "postgres://ann@a:1,b/goptri"),
            ("postgres://ann@a/goptri?password=hunter2", "postgres://ann@a/goptri"),
            ("postgresql://:hunter2@a", "postgresql://a"),
        ];
        for (url, expected) in table {
            assert_eq!(without_password(url).unwrap(), expected);
        }
    }

    #[test]
    fn the_address_is_a_host_and_port_or_a_socket() {
        for (url, expected) in [
            ("postgres://ann:secret@db.example:5433/goptri", "db.example:5433"),
            ("postgres://ann@[::1]/goptri", "[::1]:5432"),
            ("postgres://ann@localhost/goptri?host=/run/postgresql", "/run/postgresql/.s.PGSQL.5432"),
        ] {
            assert_eq!(address(&url.parse().unwrap()), expected, "{url}");
        }
    }
}
