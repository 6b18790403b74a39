package io.github.goptri.spring;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;

import com.fasterxml.jackson.databind.JsonNode;
import org.springframework.security.oauth2.jwt.Jwt;

/** An access token (RFC 9068) in the one form that auth-server issues. Its signature is not verified here. */
record AccessToken(String text, JsonNode header, byte[] payload, byte[] signature) {
    static final int MAX_BYTES = 8 * 1024;
    private static final long MAX_SECONDS = 253_402_300_799L; // the end of the year 9999
    private static final Pattern TYPE = Pattern.compile("(?i)(application/)?at\\+jwt");
    /** Not blank, and without control characters. */
    private static final Pattern TEXT = Pattern.compile("\\P{Cc}*[\\P{Cc}&&\\P{IsWhite_Space}]\\P{Cc}*");
    private static final Pattern SCOPE = Pattern.compile("(?!.*  )(?! )[ !#-\\[\\]-~]*(?<! )");
    private static final Predicate<JsonNode> IS_TEXT = node -> node.isTextual() && matches(TEXT, node);
    private static final Predicate<JsonNode> IS_TEXTS = node -> node.isArray()
        && StreamSupport.stream(node.spliterator(), false).allMatch(IS_TEXT);
    static final Predicate<JsonNode> IS_TIME = node -> node.isNumber()
        && node.doubleValue() >= 0 && node.doubleValue() <= MAX_SECONDS;

    /**
     * Parses the three segments and checks the header.
     *
     * @throws TokenRejectedException if auth-server issues no such token
     */
    static AccessToken parse(String text) {
        String[] segments = text.length() > MAX_BYTES ? new String[0] : text.split("\\.", -1);
        require(segments.length == 3, "it is too long, or not three segments");
        JsonNode header = object(decode(segments[0]), "header");
        require(!header.has("crit") && !header.has("zip") && !header.has("enc"), "its header requires an extension");
        require(matches(TYPE, header.path("typ")), "its typ is missing or names another type of token");
        require(header.path("kid").isTextual() && header.path("alg").isTextual(), "its header names no key");
        return new AccessToken(text, header, decode(segments[1]), decode(segments[2]));
    }

    String kid() {
        return header.get("kid").textValue();
    }

    String algorithm() {
        return header.get("alg").textValue();
    }

    byte[] signingInput() {
        return text.substring(0, text.lastIndexOf('.')).getBytes(StandardCharsets.US_ASCII);
    }

    /**
     * The claims, once their types and values are checked. Call it after the signature is verified.
     *
     * @throws TokenRejectedException if a claim has a type or value that auth-server never issues
     */
    Jwt toJwt() {
        JsonNode claims = object(payload, "payload");
        for (String name : List.of("iss", "sub", "jti", "client_id")) {
            check(claims, name, true, IS_TEXT);
        }
        check(claims, "aud", true, IS_TEXT.or(IS_TEXTS));
        check(claims, "scope", true, scope -> scope.isTextual() && matches(SCOPE, scope));
        check(claims, "sid", false, IS_TEXT);
        check(claims, "email", false, IS_TEXT);
        check(claims, "email_verified", false, JsonNode::isBoolean);
        check(claims, "roles", false, IS_TEXTS);
        for (String name : List.of("exp", "iat", "nbf", "auth_time")) {
            check(claims, name, name.equals("exp") || name.equals("iat"), IS_TIME);
        }
        Instant exp = time(claims, "exp");
        Instant iat = time(claims, "iat");
        require(!exp.isBefore(iat), "its exp is before its iat");
        require(!claims.has("nbf") || !time(claims, "nbf").isAfter(exp), "its nbf is after its exp");
        require(!claims.has("auth_time") || !time(claims, "auth_time").isAfter(iat), "its auth_time is after its iat");
        require(claims.has("sid") != claims.get("sub").equals(claims.get("client_id")),
            "it must have either a session (sid) or its client as subject, and not both");
        Map<String, Object> map = StrictJson.map(claims);
        map.computeIfPresent("aud", (name, aud) -> aud instanceof String ? List.of(aud) : aud);
        List.of("exp", "iat", "nbf").forEach(name -> map.computeIfPresent(name, (n, value) -> time(claims, name)));
        // The constructor wants iat before exp. A token of no lifetime is valid within the leeway.
        return new Jwt(text, iat.isBefore(exp) ? iat : null, exp, StrictJson.map(header), map);
    }

    private static Instant time(JsonNode claims, String name) {
        return Instant.ofEpochSecond((long) claims.get(name).doubleValue());
    }

    private static void check(JsonNode claims, String name, boolean required, Predicate<JsonNode> isValid) {
        JsonNode value = claims.get(name);
        require(value == null ? !required : isValid.test(value), "its claim " + name + " is missing or invalid");
    }

    private static boolean matches(Pattern pattern, JsonNode node) {
        return node.isTextual() && pattern.matcher(node.textValue()).matches();
    }

    private static byte[] decode(String segment) {
        try {
            return StrictJson.base64url(segment);
        } catch (IllegalArgumentException error) {
            throw new TokenRejectedException("a segment is not strict base64url", false);
        }
    }

    private static JsonNode object(byte[] json, String part) {
        try {
            return StrictJson.object(json, StrictJson.MAX_MEMBERS);
        } catch (IllegalArgumentException error) {
            throw new TokenRejectedException("its " + part + " " + error.getMessage(), false);
        }
    }

    private static void require(boolean condition, String reason) {
        if (!condition) {
            throw new TokenRejectedException(reason, false);
        }
    }

    /** Does not show the token. */
    @Override
    public String toString() {
        return "AccessToken(" + kid() + ")";
    }
}
