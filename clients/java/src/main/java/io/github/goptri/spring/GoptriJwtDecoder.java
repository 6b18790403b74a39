package io.github.goptri.spring;

import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;

import org.springframework.security.oauth2.core.OAuth2TokenValidator;
import org.springframework.security.oauth2.core.OAuth2TokenValidatorResult;
import org.springframework.security.oauth2.jwt.BadJwtException;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtValidationException;

/**
 * Decodes access tokens (RFC 9068) in the one form that auth-server issues. It makes no network call. Spring's
 * {@code NimbusJwtDecoder} would also accept other encodings of a token, and JSON that other parsers read differently.
 *
 * @param validator sees genuine tokens with valid claims
 */
record GoptriJwtDecoder(GoptriSettings settings, Clock clock, VerifyingKeys keys, OAuth2TokenValidator<Jwt> validator)
    implements JwtDecoder {

    private static final int MAX_BYTES = 8 * 1024;
    private static final long MAX_SECONDS = 253_402_300_799L; // the end of the year 9999
    /** How far this clock may be behind: revocations are kept for an hour longer than tokens live. */
    private static final Duration MAX_CLOCK_ERROR = Duration.ofHours(1);

    private static final Predicate<Object> TYPE = text("(?i)(application/)?at\\+jwt");
    /** Not blank, and without control characters. Possessive: a mismatch is found without backtracking. */
    private static final Predicate<Object> TEXT = text("\\p{Z}*+[^\\p{Z}\\p{Cc}]\\P{Cc}*+");
    private static final Predicate<Object> TEXTS =
        value -> value instanceof List<?> list && list.stream().allMatch(TEXT);
    private static final Predicate<Object> SCOPE = text("(?!.*  )(?! )[ !#-\\[\\]-~]*(?<! )");
    private static final Predicate<Object> TIME = value -> value instanceof Number number
        && number.doubleValue() >= 0 && number.doubleValue() <= MAX_SECONDS;
    private static final Map<String, Predicate<Object>> REQUIRED = Map.of("iss", TEXT, "sub", TEXT, "jti", TEXT,
        "client_id", TEXT, "aud", TEXT.or(TEXTS), "scope", SCOPE, "exp", TIME, "iat", TIME);
    private static final Map<String, Predicate<Object>> OPTIONAL = Map.of("sid", TEXT, "email", TEXT, "roles", TEXTS,
        "email_verified", Boolean.class::isInstance, "nbf", TIME, "auth_time", TIME);

    /**
     * Returns the token if it is genuine, valid now, for this service, and not revoked.
     *
     * @throws BadJwtException with the reason, for the log; it contains no part of the token. Its errors have the code
     *     {@code temporarily_unavailable} if the token may be valid: keys or revocations are not known yet, or stale
     */
    @Override
    public Jwt decode(String token) {
        String[] segments = token.length() > MAX_BYTES ? new String[0] : token.split("\\.", -1);
        require(segments.length == 3, "it is too long, or not three segments");
        Map<String, Object> header = StrictJson.object(StrictJson.base64url(segments[0]));
        require(Collections.disjoint(header.keySet(), Set.of("crit", "zip", "enc")), "its header has an extension");
        require(TYPE.test(header.get("typ")), "its typ is missing or names another type of token");
        require(header.get("kid") instanceof String, "its header names no key");
        VerifyingKey key = keys.find((String) header.get("kid"));
        require(key.algorithm().getName().equals(header.get("alg")), "its alg is not the algorithm of its key");
        byte[] signed = (segments[0] + "." + segments[1]).getBytes(StandardCharsets.US_ASCII);
        require(key.verifies(signed, StrictJson.base64url(segments[2])), "its signature does not match");
        Jwt jwt = jwt(token, header, StrictJson.object(StrictJson.base64url(segments[1])));
        check(jwt);
        OAuth2TokenValidatorResult result = validator.validate(jwt);
        if (result.hasErrors()) {
            String reason = result.getErrors().iterator().next().getDescription();
            throw new JwtValidationException(reason, result.getErrors());
        }
        return jwt;
    }

    /** @throws BadJwtException unless the condition is met */
    static void require(boolean condition, String reason) {
        if (!condition) {
            throw new BadJwtException(reason);
        }
    }

    private static Jwt jwt(String token, Map<String, Object> header, Map<String, Object> claims) {
        REQUIRED.forEach((name, type) -> require(type.test(claims.get(name)), name + " is missing or invalid"));
        OPTIONAL.forEach((name, type) ->
            require(!claims.containsKey(name) || type.test(claims.get(name)), name + " is invalid"));
        claims.computeIfPresent("aud", (name, audience) -> audience instanceof String ? List.of(audience) : audience);
        for (String time : List.of("exp", "iat", "nbf", "auth_time")) {
            claims.computeIfPresent(time, (name, value) -> Instant.ofEpochSecond(((Number) value).longValue()));
        }
        Instant exp = (Instant) claims.get("exp");
        Instant iat = (Instant) claims.get("iat");
        // The constructor wants iat before exp. A token of no lifetime is valid within the leeway.
        return new Jwt(token, iat.isBefore(exp) ? iat : null, exp, header, claims);
    }

    private void check(Jwt jwt) {
        Instant earliest = clock.instant().minus(settings.clockLeeway());
        Instant latest = clock.instant().plus(settings.clockLeeway());
        Instant exp = jwt.getExpiresAt();
        Instant iat = jwt.getClaimAsInstant("iat");
        Instant nbf = Objects.requireNonNullElse(jwt.getNotBefore(), Instant.EPOCH);
        Instant authTime = Objects.requireNonNullElse(jwt.getClaimAsInstant("auth_time"), Instant.EPOCH);
        require(jwt.getClaimAsString("iss").equals(settings.issuer()), "its issuer is not the configured one");
        require(jwt.getAudience().contains(settings.audience()), "its audience does not name this service");
        require(earliest.isBefore(exp), "it has expired");
        require(!nbf.isAfter(latest), "it is not valid yet");
        require(!iat.isAfter(latest.plus(MAX_CLOCK_ERROR)), "it was issued in the future");
        require(!iat.isAfter(exp) && !nbf.isAfter(exp) && !authTime.isAfter(iat), "its times contradict each other");
        boolean isClient = jwt.getSubject().equals(jwt.getClaimAsString("client_id"));
        require(jwt.hasClaim("sid") != isClient, "it must have either a session or its client as subject");
    }

    private static Predicate<Object> text(String regex) {
        Predicate<String> matches = Pattern.compile(regex).asMatchPredicate();
        return value -> value instanceof String text && matches.test(text);
    }
}
