package io.github.goptri.spring;

import java.time.Clock;
import java.time.Instant;
import java.util.*;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import org.springframework.util.Assert;
import org.springframework.util.StringUtils;

import io.github.goptri.spring.ProtocolError.Rejection;

import static java.nio.charset.StandardCharsets.US_ASCII;

/** Verifies access tokens (RFC 9068) in the one form that auth-server issues. */
record AccessTokens(Settings settings, VerifyingKeys keys, RevocationSet revocations,
                    Clock clock) {
    private static final int MAX_LENGTH = 8 * 1024;
    private static final long MAX_SECONDS = 253_402_300_799L; // the end of the year 9999
    /** How far this clock may be behind: revocations are kept for an hour longer than tokens. */
    private static final long MAX_CLOCK_ERROR = 3_600;

    private static final Predicate<JsonNode> TYPE = matching("(?i)(application/)?at\\+jwt");
    /** Not blank, and without control characters. */
    private static final Predicate<JsonNode> TEXT =
        matching("\\P{Cc}*[\\P{Cc}&&\\P{IsWhite_Space}]\\P{Cc}*");
    private static final Predicate<JsonNode> TEXTS = node -> node.isArray()
        && StreamSupport.stream(node.spliterator(), false).allMatch(TEXT);
    private static final Predicate<JsonNode> SCOPE =
        matching("(?!.*  )(?! )[ !#-\\[\\]-~]*(?<! )");
    private static final Predicate<JsonNode> TIME = node -> node.isNumber()
        && node.doubleValue() >= 0 && node.doubleValue() <= MAX_SECONDS;

    private static final Map<String, Predicate<JsonNode>> REQUIRED = Map.of("iss", TEXT,
        "sub", TEXT, "jti", TEXT, "client_id", TEXT, "aud", TEXT.or(TEXTS), "scope", SCOPE,
        "exp", TIME, "iat", TIME);
    private static final Map<String, Predicate<JsonNode>> OPTIONAL = Map.of("sid", TEXT,
        "email", TEXT, "email_verified", JsonNode::isBoolean, "roles", TEXTS,
        "nbf", TIME, "auth_time", TIME);
    private static final TypeReference<Map<String, Object>> MEMBERS = new TypeReference<>() {};

    /** Returns the caller, or rejects the token. Makes no network call. */
    Caller verify(String token) {
        try {
            String[] parts = token.split("\\.", -1);
            Assert.isTrue(token.length() <= MAX_LENGTH && parts.length == 3,
                "it is too long, or not three segments");
            JsonNode header = StrictJson.object(StrictJson.base64url(parts[0]));
            Assert.isTrue(!header.has("crit") && !header.has("zip") && !header.has("enc"),
                "its header requires an extension");
            Assert.isTrue(TYPE.test(header.path("typ")), "its typ is not at+jwt");
            Assert.isTrue(header.path("kid").isTextual(), "its header names no key");
            keys.verify(header.get("kid").textValue(), header.path("alg").textValue(),
                token.substring(0, token.lastIndexOf('.')).getBytes(US_ASCII),
                StrictJson.base64url(parts[2]));
            JsonNode claims = StrictJson.object(StrictJson.base64url(parts[1]));
            check(claims);
            Assert.isTrue(!revocations.revokes(claims), "it was revoked");
            if (!revocations.isUsable()) {
                throw new Rejection(ProtocolError.TEMPORARILY_UNAVAILABLE,
                    "the revocations are not known");
            }
            return caller(claims);
        } catch (IllegalArgumentException invalid) {
            throw new Rejection(ProtocolError.INVALID_TOKEN, invalid.getMessage());
        }
    }

    private void check(JsonNode claims) {
        REQUIRED.forEach((name, isValid) -> Assert.isTrue(isValid.test(claims.path(name)),
            () -> "its claim " + name + " is missing or invalid"));
        OPTIONAL.forEach((name, isValid) ->
            Assert.isTrue(!claims.has(name) || isValid.test(claims.get(name)),
                () -> "its claim " + name + " is invalid"));
        Assert.isTrue(claims.has("sid") != claims.get("sub").equals(claims.get("client_id")),
            "it must have either a session (sid) or its client as subject, and not both");
        Assert.isTrue(claims.get("iss").textValue().equals(settings.issuer()),
            "its issuer (iss) is not the configured one");
        Assert.isTrue(texts(claims.get("aud")).contains(settings.audience()),
            "its audience (aud) does not name this service");
        double now = clock.millis() / 1000.0;
        long leeway = settings.clockLeeway().toSeconds();
        long exp = seconds(claims, "exp");
        long iat = seconds(claims, "iat");
        long nbf = seconds(claims, "nbf");
        Assert.isTrue(now - leeway < exp, "it has expired (exp)");
        Assert.isTrue(nbf <= now + leeway, "it is not valid yet (nbf)");
        Assert.isTrue(iat <= now + leeway + MAX_CLOCK_ERROR, "it is from the future (iat)");
        Assert.isTrue(iat <= exp && nbf <= exp && seconds(claims, "auth_time") <= iat,
            "its times contradict each other");
    }

    private static Caller caller(JsonNode claims) {
        boolean isUser = claims.has("sid");
        String[] scopes = StringUtils.delimitedListToStringArray(claims.get("scope").asText(), " ");
        return new Caller(claims.get("sub").textValue(), claims.path("sid").textValue(),
            claims.get("client_id").textValue(), new LinkedHashSet<>(List.of(scopes)),
            isUser ? texts(claims.path("roles")) : List.of(),
            isUser ? claims.path("email").textValue() : null,
            Instant.ofEpochSecond(seconds(claims, "exp")),
            StrictJson.MAPPER.convertValue(claims, MEMBERS));
    }

    /** A time in whole seconds; 0 if it is absent. */
    private static long seconds(JsonNode claims, String name) {
        return (long) claims.path(name).doubleValue();
    }

    private static List<String> texts(JsonNode node) {
        return node.isTextual() ? List.of(node.textValue())
            : StreamSupport.stream(node.spliterator(), false).map(JsonNode::textValue).toList();
    }

    private static Predicate<JsonNode> matching(String pattern) {
        Predicate<String> matches = Pattern.compile(pattern).asMatchPredicate();
        return node -> node.isTextual() && matches.test(node.textValue());
    }
}
