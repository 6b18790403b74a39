package io.github.goptri.spring;

import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import javax.net.ssl.SSLContext;

/**
 * The settings, from the same variables as those of api-server.
 *
 * @param issuer {@code ISSUER}, exactly as in the tokens
 * @param audience {@code AUDIENCE}, exactly as in the tokens
 * @param accessSecret {@code ACCESS_TOKEN_SECRET}; without one, only the published keys verify
 * @param feedSecret {@code FEED_SECRET}; without one, a sign-out takes effect when the token expires
 * @param authServerUrl {@code AUTH_SERVER_URL}
 * @param authServerTls trusts the certificates of {@code AUTH_SERVER_CA_FILE}, too; null without that file
 * @param clockLeeway {@code CLOCK_LEEWAY}
 * @param maxStaleness {@code REVOCATION_MAX_STALENESS}
 * @param refuseWhenStale whether {@code ON_STALE} is {@code refuse}
 * @param cookieName {@code SESSION_COOKIE_NAME}, with its prefix
 * @param origins the origins whose pages may send unsafe requests with the cookie
 */
record GoptriSettings(String issuer, String audience, SecretText accessSecret, SecretText feedSecret,
                      String authServerUrl, SSLContext authServerTls, Duration clockLeeway, Duration maxStaleness,
                      boolean refuseWhenStale, String cookieName, Set<String> origins) {

    private static final Pattern DURATION = Pattern.compile("([0-9]{1,12})(ms|s|m|h|d)|0");
    private static final Pattern COOKIE_NAME = Pattern.compile("(__Host-|__Secure-|)((?!__)[A-Za-z0-9_-]{1,64})");
    private static final Pattern DOMAIN = Pattern.compile("[a-z0-9-]+(\\.[a-z0-9-]+)*\\.[a-z][a-z0-9-]*");
    private static final Pattern LOCAL = Pattern.compile("localhost|127\\.0\\.0\\.1|\\[::1]");

    /** Reads the variables with {@code lookup}, which returns null for one that is not set. */
    static GoptriSettings read(Function<String, String> lookup) {
        return new Reader(lookup).settings();
    }

    /** The configuration is invalid. The message lists every problem and contains no secret. */
    static final class InvalidException extends RuntimeException {
        InvalidException(List<String> problems) {
            super("invalid configuration:\n  " + String.join("\n  ", problems));
        }
    }

    private static final class Reader {
        private final Function<String, String> lookup;
        private final List<String> problems = new ArrayList<>();

        Reader(Function<String, String> lookup) {
            this.lookup = lookup;
        }

        GoptriSettings settings() {
            String issuer = value("ISSUER", "http://localhost:4000", text -> baseUrl(text, false));
            String audience = value("AUDIENCE", "http://localhost:3000", text -> {
                require(!text.equals(issuer), "is the same as ISSUER");
                require(!text.matches(".*[\\p{IsWhite_Space}\\p{Cc}].*"), "is one name without white space");
                return text;
            });
            String url = value("AUTH_SERVER_URL", issuer, text -> baseUrl(text, true));
            SecretText access = secret("ACCESS_TOKEN_SECRET");
            SecretText feed = secret("FEED_SECRET");
            if (access != null && access.secrets().isEmpty() && get("AUTH_SERVER_URL") == null) {
                problems.add("ACCESS_TOKEN_SECRET is not set, nor is AUTH_SERVER_URL, whose public keys would do too");
            }
            if (access != null && feed != null && feed.secrets().stream().anyMatch(access.secrets()::contains)) {
                problems.add("FEED_SECRET is identical to ACCESS_TOKEN_SECRET");
            }
            SSLContext tls = value("AUTH_SERVER_CA_FILE", null, AuthServer::trusting);
            Duration leeway = value("CLOCK_LEEWAY", "30s", text -> {
                require(duration(text).compareTo(Duration.ofMinutes(5)) <= 0, "is more than 5m");
                return duration(text);
            });
            Duration staleness = value("REVOCATION_MAX_STALENESS", "60s", text -> {
                require(duration(text).compareTo(Duration.ofSeconds(5)) > 0, "must be longer than 5s");
                return duration(text);
            });
            Boolean refuse = value("ON_STALE", "allow", text -> {
                require(text.equals("allow") || text.equals("refuse"), "is either allow or refuse");
                return text.equals("refuse");
            });
            Set<String> origins = value("CORS_ORIGINS", "", text -> origins(text, issuer, audience));
            String cookie = cookieName(issuer);
            if (!problems.isEmpty()) {
                throw new InvalidException(problems);
            }
            return new GoptriSettings(issuer, audience, access, feed, url, tls, leeway, staleness, refuse, cookie,
                origins);
        }

        /** An empty variable counts as not set. */
        private String get(String name) {
            String text = lookup.apply(name);
            return text == null || text.isEmpty() ? null : text;
        }

        /** Returns null if the variable is not set and has no default, or if it is invalid. */
        private <T> T value(String name, String defaultText, Function<String, T> parse) {
            try {
                String text = get(name) == null ? defaultText : get(name);
                return text == null ? null : parse.apply(text);
            } catch (IllegalArgumentException problem) {
                problems.add(name + " " + problem.getMessage());
                return null;
            }
        }

        private SecretText secret(String name) {
            String text = value(name, null, Function.identity());
            String file = value(name + "_FILE", null, Function.identity());
            try {
                return new SecretText(name, text, file);
            } catch (IllegalArgumentException problem) {
                problems.add(problem.getMessage());
                return null;
            }
        }

        private String cookieName(String issuer) {
            boolean plain = issuer != null && issuer.startsWith("http:");
            String domain = value("SESSION_COOKIE_DOMAIN", null, text -> {
                String host = issuer == null ? text : URI.create(issuer).getHost();
                require(DOMAIN.matcher(text).matches(), "is no domain such as example.com");
                require(!plain, "needs an https ISSUER");
                require(host.equals(text) || host.endsWith("." + text), "does not contain the host of ISSUER");
                return text;
            });
            String prefix = plain ? "" : domain == null ? "__Host-" : "__Secure-";
            return value("SESSION_COOKIE_NAME", "session", text -> {
                Matcher name = COOKIE_NAME.matcher(text);
                require(name.matches() && !name.group(2).equals("refresh"), "is no name for the session cookie");
                require(plain || name.group(1).isEmpty() || name.group(1).equals(prefix), "needs the prefix " + prefix);
                return prefix + name.group(2);
            });
        }
    }

    private static Set<String> origins(String text, String issuer, String audience) {
        Set<String> origins = new HashSet<>();
        for (String part : text.isBlank() ? new String[0] : text.split(",", -1)) {
            String origin = part.trim();
            require(origin.equals(originOf(origin)), "contains an origin that browsers do not send in this form");
            require(origin.startsWith("https:") || LOCAL.matcher(URI.create(origin).getHost()).matches(),
                "contains a plain http origin, which is for localhost only");
            origins.add(origin);
        }
        origins.add(originOf(issuer));
        origins.add(originOf(audience));
        return origins;
    }

    /** The origin as browsers send it, or null if the text is no http or https URL. */
    private static String originOf(String text) {
        try {
            URI url = URI.create(text == null ? "" : text);
            if (url.getHost() == null || url.getScheme() == null || !url.getScheme().matches("https?")) {
                return null;
            }
            int defaultPort = url.getScheme().equals("https") ? 443 : 80;
            String port = url.getPort() == -1 || url.getPort() == defaultPort ? "" : ":" + url.getPort();
            return url.getScheme() + "://" + url.getHost().toLowerCase() + port;
        } catch (IllegalArgumentException error) {
            return null;
        }
    }

    private static String baseUrl(String text, boolean allowPrivate) {
        require(!text.contains("@"), "is a URL with a user or a password in it; leave them out");
        require(originOf(text) != null, "is not an absolute https URL");
        URI url = URI.create(text);
        boolean plainAllowed = allowPrivate ? isPrivate(url.getHost()) : LOCAL.matcher(url.getHost()).matches();
        require(url.getScheme().equals("https") || plainAllowed,
            "is plain http, which is for " + (allowPrivate ? "private networks" : "localhost") + " only");
        require(url.getQuery() == null && url.getFragment() == null, "has a query or a fragment");
        require(!text.endsWith("/"), "has a slash at its end; it is compared letter by letter");
        return text;
    }

    /** Whether the host is an address of a private network, or a name that resolves only in one. Resolves no name. */
    private static boolean isPrivate(String host) {
        if (!host.startsWith("[") && !host.matches("[0-9.]+")) {
            return !host.contains(".") || host.matches(".*\\.(localhost|local|internal)");
        }
        try {
            InetAddress address = InetAddress.getByName(host);
            boolean uniqueLocal = address.getAddress().length == 16 && (address.getAddress()[0] & 0xfe) == 0xfc;
            return address.isLoopbackAddress() || address.isSiteLocalAddress() || address.isLinkLocalAddress()
                || uniqueLocal;
        } catch (UnknownHostException error) {
            return false;
        }
    }

    private static Duration duration(String text) {
        Matcher matcher = DURATION.matcher(text);
        require(matcher.matches(), "is no duration such as 30s, 15m, 1h or 7d");
        if (matcher.group(1) == null) {
            return Duration.ZERO;
        }
        long number = Long.parseLong(matcher.group(1));
        Duration duration = switch (matcher.group(2)) {
            case "ms" -> Duration.ofMillis(number);
            case "s" -> Duration.ofSeconds(number);
            case "m" -> Duration.ofMinutes(number);
            case "h" -> Duration.ofHours(number);
            default -> Duration.ofDays(number);
        };
        require(duration.compareTo(Duration.ofDays(36_500)) <= 0, "is longer than a century");
        return duration;
    }

    private static void require(boolean condition, String problem) {
        if (!condition) {
            throw new IllegalArgumentException(problem);
        }
    }
}
