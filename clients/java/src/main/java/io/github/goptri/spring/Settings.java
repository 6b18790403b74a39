package io.github.goptri.spring;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.*;
import java.util.function.*;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;

import org.springframework.boot.convert.DurationStyle;
import org.springframework.boot.ssl.SslBundle;
import org.springframework.boot.ssl.pem.PemSslStoreBundle;
import org.springframework.boot.ssl.pem.PemSslStoreDetails;
import org.springframework.util.Assert;
import org.springframework.util.PlaceholderResolutionException;
import org.springframework.util.StringUtils;

import static java.nio.charset.StandardCharsets.UTF_8;

/** The settings, from the same variables as those of api-server. */
record Settings(String issuer, String audience, Supplier<List<String>> accessSecrets,
                Supplier<List<String>> feedSecrets, String authServerUrl, SSLContext authServerTls,
                Duration clockLeeway, Duration maxStaleness, Boolean refuseWhenStale,
                String cookieName, Set<String> origins) {
    private static final String DEFAULT_ISSUER = "http://localhost:4000";
    private static final String LOOPBACK = "localhost|127\\.0\\.0\\.1|\\[::1]";
    /** Addresses of private networks, and names that resolve only in one. */
    private static final String PRIVATE = "[a-z][a-z0-9-]*|.*\\.(localhost|local|internal)|\\[::1]"
        + "|(10|127|169\\.254|172\\.(1[6-9]|2[0-9]|3[01])|192\\.168)(\\.[0-9]+)+"
        + "|\\[(f[cd]|fe[89ab])[0-9a-f:]*]";

    /** Reads variables with {@code lookup}, which returns null for one that is not set. */
    static Settings read(UnaryOperator<String> lookup) {
        Variables variables = new Variables(lookup, new ArrayList<>());
        String issuer = Objects.requireNonNullElse(
            variables.get("ISSUER", DEFAULT_ISSUER, text -> url(text, LOOPBACK)), DEFAULT_ISSUER);
        String audience = variables.get("AUDIENCE", "http://localhost:3000",
            text -> matching("\\S+", text));
        String domain = variables.get("SESSION_COOKIE_DOMAIN", "", Function.identity());
        Settings settings = new Settings(issuer, audience,
            variables.secrets("ACCESS_TOKEN_SECRET", "\\S*"),
            variables.secrets("FEED_SECRET", "[!-~]*"),
            variables.get("AUTH_SERVER_URL", issuer, text -> url(text, PRIVATE)),
            variables.get("AUTH_SERVER_CA_FILE", "", Settings::trusting),
            variables.get("CLOCK_LEEWAY", "30s", text -> duration(text, 0, 300_000)),
            variables.get("REVOCATION_MAX_STALENESS", "60s",
                text -> duration(text, 5_001, Long.MAX_VALUE)),
            variables.get("ON_STALE", "allow",
                text -> matching("allow|refuse", text).equals("refuse")),
            variables.get("SESSION_COOKIE_NAME", "session",
                text -> cookieName(text, issuer, domain)),
            variables.get("CORS_ORIGINS", "", text -> origins(text, issuer, "" + audience)));
        Assert.isTrue(variables.problems.isEmpty(),
            () -> "invalid configuration:\n  " + String.join("\n  ", variables.problems));
        return settings;
    }

    private record Variables(UnaryOperator<String> lookup, List<String> problems) {
        /** Returns the parsed value; null, and a problem, if it is invalid. */
        <T> T get(String name, String defaultText, Function<String, T> parse) {
            try {
                String text = lookup.apply(name);
                return parse.apply(StringUtils.hasLength(text) ? text : defaultText);
            } catch (PlaceholderResolutionException quotesTheValue) {
                problems.add(name + ": a placeholder names no property");
            } catch (IllegalArgumentException problem) {
                problems.add(name + ": " + problem.getMessage());
            }
            return null;
        }

        /** Returns the secrets, whose file, if they have one, each call reads again. */
        Supplier<List<String>> secrets(String name, String pattern) {
            return get(name + "_FILE", "", file -> get(name, "", text -> {
                Assert.isTrue(text.isEmpty() || file.isEmpty(),
                    "it is set beside " + name + "_FILE; set only one of them");
                Supplier<List<String>> secrets =
                    () -> parse(file.isEmpty() ? text : contentOf(file), pattern);
                secrets.get();
                return secrets;
            }));
        }
    }

    private static String contentOf(String file) {
        try {
            String content = Files.readString(Path.of(file)).replaceFirst("\r?\n$", "");
            Assert.isTrue(!content.isEmpty(), "the file " + file + " is empty");
            return content;
        } catch (IOException error) {
            throw new IllegalArgumentException("the file " + file + " cannot be read as UTF-8");
        }
    }

    private static List<String> parse(String text, String pattern) {
        List<String> secrets = text.isEmpty() ? List.of() : List.of(text.split(",", -1));
        for (String secret : secrets) {
            int length = secret.getBytes(UTF_8).length;
            Assert.isTrue(length >= 32, "a secret has " + length + " bytes; it needs at least 32");
            Assert.isTrue(secret.matches(pattern), "a secret has white space or other characters"
                + " that cannot be used");
        }
        return secrets;
    }

    private static String matching(String pattern, String text) {
        Assert.isTrue(text.matches(pattern), "it must match " + pattern);
        return text;
    }

    private static String url(String text, String plainHosts) {
        URI url = URI.create(text.contains("@") ? "" : text); // The error would quote a password.
        Assert.isTrue(url.getHost() != null && url.getQuery() == null && url.getFragment() == null
            && !text.endsWith("/"), "it must be a URL without a user, a query or a final slash");
        Assert.isTrue("https".equals(url.getScheme())
            || "http".equals(url.getScheme()) && url.getHost().matches("(?i)" + plainHosts),
            "it must be an https URL; plain http is for private networks only");
        return text;
    }

    private static Duration duration(String text, long min, long max) {
        Assert.isTrue(text.matches("0|[0-9]{1,9}(ms|s|m|h|d)"),
            "it must be a duration such as 30s, 15m, 1h or 7d");
        Duration duration = DurationStyle.SIMPLE.parse(text);
        Assert.isTrue(duration.toMillis() >= min && duration.toMillis() <= max,
            min > 0 ? "it must be longer than 5s" : "it must be at most 5m");
        return duration;
    }

    private static String cookieName(String name, String issuer, String domain) {
        boolean isPlain = issuer.startsWith("http:");
        String prefix = isPlain ? "" : StringUtils.hasLength(domain) ? "__Secure-" : "__Host-";
        return prefix + matching("[A-Za-z0-9_-]{1,64}", name.replaceFirst("^__(Host|Secure)-", ""));
    }

    /** Those in the text, and those of the URLs. */
    private static Set<String> origins(String text, String... urls) {
        Set<String> origins = StringUtils.commaDelimitedListToSet(text.replace(" ", ""));
        for (String origin : origins) {
            Assert.isTrue(originOf(url(origin, LOOPBACK)).equals(origin), "an origin has no path");
        }
        Stream.of(urls).map(Settings::originOf).forEach(origins::add);
        return origins;
    }

    private static String originOf(String url) {
        return url.replaceFirst("^(https?://[^/]+).*", "$1");
    }

    /** Trusts the certificates of a PEM file instead of those of Java. */
    private static SSLContext trusting(String file) {
        try {
            return file.isEmpty() ? SSLContext.getDefault() : SslBundle.of(new PemSslStoreBundle(
                null, PemSslStoreDetails.forCertificate(contentOf(file)))).createSslContext();
        } catch (NoSuchAlgorithmException | RuntimeException error) {
            throw new IllegalArgumentException("the file " + file + " has no certificates in PEM");
        }
    }
}
