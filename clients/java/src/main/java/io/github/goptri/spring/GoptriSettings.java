package io.github.goptri.spring;

import static org.springframework.boot.convert.DurationStyle.SIMPLE;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.springframework.util.StringUtils;

/**
 * The settings, from the same variables as those of api-server. Spring Boot's binding would accept other texts than
 * api-server, report only the first mistake, and quote the value, which may be a secret.
 *
 * @param issuer {@code ISSUER}, exactly as in the tokens
 * @param audience {@code AUDIENCE}, exactly as in the tokens
 * @param accessSecrets {@code ACCESS_TOKEN_SECRET}; without one, only the published keys verify
 * @param feedSecrets {@code FEED_SECRET}; without one, a sign-out takes effect when the token expires
 * @param authServerUrl {@code AUTH_SERVER_URL}
 * @param caFile {@code AUTH_SERVER_CA_FILE}: certificates to trust in addition to Java's; may be null
 * @param clockLeeway {@code CLOCK_LEEWAY}
 * @param maxStaleness {@code REVOCATION_MAX_STALENESS}
 * @param refuseWhenStale whether {@code ON_STALE} is {@code refuse}
 * @param cookieName {@code SESSION_COOKIE_NAME}, with its prefix
 * @param origins the origins whose pages may send unsafe requests with the cookie
 */
record GoptriSettings(String issuer, String audience, List<String> accessSecrets, List<String> feedSecrets,
                      String authServerUrl, String caFile, Duration clockLeeway, Duration maxStaleness,
                      boolean refuseWhenStale, String cookieName, List<String> origins) {

    private static final String LOCAL = "localhost|127\\.0\\.0\\.1|\\[::1]";
    /** Addresses of private networks, and names that resolve only in one. */
    private static final String PRIVATE = LOCAL
        + "|(?:10|127|169\\.254|192\\.168|172\\.(?:1[6-9]|2\\d|3[01]))(?:\\.\\d+)+"
        + "|\\[f[cde][0-9a-f]{2}:[0-9a-f:]+]|[a-z][a-z0-9-]*|[a-z][a-z0-9.-]*\\.(?:localhost|local|internal)";
    private static final String ORIGIN = "(?:https://[a-z0-9.-]+|http://(?:" + LOCAL + "))(?::\\d+)?";
    private static final Predicate<String> ORIGINS = matches("(?:" + ORIGIN + "(?:\\s*,\\s*" + ORIGIN + ")*)?");
    private static final Predicate<String> DURATION = matches("0|[0-9]{1,9}(?:ms|s|m|h|d)");
    private static final Predicate<String> COOKIE = matches("(?:__Host-|__Secure-)?(?!__|refresh$)[A-Za-z0-9_-]{1,64}");
    private static final Predicate<String> DOMAIN = matches("(?:[a-z0-9-]+\\.)+[a-z][a-z0-9-]*");

    /**
     * Reads the variables with {@code variables}, which returns null for one that is not set.
     *
     * @throws InvalidSettingsException if any is invalid; the message names all of them and contains no secret
     */
    static GoptriSettings read(UnaryOperator<String> variables) {
        Reader reader = new Reader(variables, new ArrayList<>());
        String issuer = reader.text("ISSUER", "http://localhost:4000", url(LOCAL),
            "an https URL, or http on localhost, without a slash at its end");
        String audience = reader.text("AUDIENCE", "http://localhost:3000",
            text -> text.matches("\\S+") && !text.equals(issuer), "one word, and not the same as ISSUER");
        List<String> access = reader.secrets("ACCESS_TOKEN_SECRET");
        List<String> feed = reader.secrets("FEED_SECRET");
        String url = reader.text("AUTH_SERVER_URL", null, url(PRIVATE), "as ISSUER, but also http in private networks");
        String caFile = reader.text("AUTH_SERVER_CA_FILE", null,
            path -> reader.content(path).contains("BEGIN CERTIFICATE"), "a file with certificates in PEM");
        String leeway = reader.text("CLOCK_LEEWAY", "30s", text -> DURATION.test(text)
            && SIMPLE.parse(text).compareTo(Duration.ofMinutes(5)) <= 0, "a duration such as 30s, at most 5m");
        String staleness = reader.text("REVOCATION_MAX_STALENESS", "60s", text -> DURATION.test(text)
            && SIMPLE.parse(text).compareTo(Duration.ofSeconds(5)) > 0, "a duration such as 60s, longer than 5s");
        String onStale = reader.text("ON_STALE", "allow", matches("allow|refuse"), "allow or refuse");
        String cookie = reader.text("SESSION_COOKIE_NAME", "session", COOKIE, "up to 64 letters, digits, - and _");
        String domain = reader.text("SESSION_COOKIE_DOMAIN", null, DOMAIN, "a domain such as example.com");
        String origins = reader.text("CORS_ORIGINS", "", ORIGINS, "origins such as https://app.example.com");
        reader.require(Collections.disjoint(access, feed), "FEED_SECRET must not be one of ACCESS_TOKEN_SECRET");
        reader.require(feed.stream().allMatch(matches("[!-~]*")),
            "FEED_SECRET must be ASCII, because Java's HTTP client cannot send other characters");
        reader.require(!access.isEmpty() || url != null, "ACCESS_TOKEN_SECRET or AUTH_SERVER_URL must be set");
        if (!reader.problems.isEmpty()) {
            throw new InvalidSettingsException(reader.problems);
        }
        String prefix = issuer.startsWith("http:") ? "" : domain == null ? "__Host-" : "__Secure-";
        Stream<String> own = Stream.of(issuer, audience).filter(text -> text.startsWith("http"))
            .map(text -> text.replaceFirst("^(https?://[^/]+).*", "$1").toLowerCase(Locale.ROOT));
        Stream<String> others = Arrays.stream(StringUtils.tokenizeToStringArray(origins, ","));
        return new GoptriSettings(issuer, audience, access, feed, url == null ? issuer : url, caFile,
            SIMPLE.parse(leeway), SIMPLE.parse(staleness), onStale.equals("refuse"),
            prefix + cookie.replaceFirst("^__(Host|Secure)-", ""), Stream.concat(own, others).toList());
    }

    /** Names all invalid variables. Contains no secret. */
    static final class InvalidSettingsException extends IllegalStateException {
        InvalidSettingsException(List<String> problems) {
            super("invalid configuration:\n  " + String.join("\n  ", problems));
        }
    }

    /** Collects the problems of all variables. */
    private record Reader(UnaryOperator<String> variables, List<String> problems) {
        /** The text of a variable; its default if the variable is empty. */
        String text(String name, String defaultText, Predicate<String> isValid, String meaning) {
            try {
                String text = StringUtils.hasLength(variables.apply(name)) ? variables.apply(name) : defaultText;
                require(text == null || isValid.test(text), name + " must be " + meaning);
                return text;
            } catch (IllegalArgumentException problem) {
                problems.add(name + " " + problem.getMessage());
                return defaultText;
            }
        }

        /** The secrets of a variable or of its file. */
        List<String> secrets(String name) {
            String file = text(name + "_FILE", null, path -> true, "a file");
            String text = text(name, null, secrets -> file == null, "empty, because " + name + "_FILE is set");
            String secrets = file == null ? text : content(file);
            if (secrets == null) {
                return List.of();
            }
            List<String> list = List.of(secrets.split(",", -1));
            require(list.stream().allMatch(GoptriSettings::isSecret), name + (file == null ? "" : "_FILE")
                + " must be secrets of at least 32 bytes without white space, separated by commas");
            return list;
        }

        /** The content of a file, without its last line ending. Empty if it cannot be read as UTF-8. */
        String content(String file) {
            try {
                return Files.readString(Path.of(file)).replaceFirst("\r?\n\\z", "");
            } catch (IOException error) {
                return "";
            }
        }

        void require(boolean condition, String problem) {
            if (!condition) {
                problems.add(problem);
            }
        }
    }

    private static Predicate<String> matches(String regex) {
        return Pattern.compile(regex).asMatchPredicate();
    }

    /** https everywhere, and http on these hosts. */
    private static Predicate<String> url(String hosts) {
        return matches("(?:https://(?:[A-Za-z0-9.-]+|\\[[\\w:]+])|http://(?:" + hosts + "))(?::\\d+)?"
            + "(?:/[^\\s@?#]*[^\\s@?#/])?");
    }

    private static boolean isSecret(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length >= 32 && text.chars().noneMatch(Character::isWhitespace);
    }

    /** Does not show the secrets. */
    @Override
    public String toString() {
        return "GoptriSettings[" + issuer + "]";
    }
}
