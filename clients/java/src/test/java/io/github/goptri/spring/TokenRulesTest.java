package io.github.goptri.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

import org.junit.jupiter.api.Test;
import org.springframework.security.oauth2.core.OAuth2TokenValidatorResult;
import org.springframework.security.oauth2.jwt.BadJwtException;
import org.springframework.security.oauth2.jwt.Jwt;

class TokenRulesTest {
    private static final long NOW = 1_800_000_000L;

    private final GoptriJwtDecoder decoder = decoder(NOW);

    TokenRulesTest() throws IOException {}

    private static GoptriJwtDecoder decoder(long now) throws IOException {
        VerifyingKeys keys = Tokens.keys();
        keys.setSecrets(List.of(Tokens.SECRET));
        keys.setPublished("{\"keys\":[]}".getBytes(StandardCharsets.UTF_8));
        Clock clock = Clock.fixed(Instant.ofEpochSecond(now), ZoneOffset.UTC);
        return new GoptriJwtDecoder(Tokens.settings(), clock, keys, token -> OAuth2TokenValidatorResult.success());
    }

    private static String with(Consumer<Map<String, Object>> change) {
        Map<String, Object> claims = Tokens.claims(NOW);
        change.accept(claims);
        return Tokens.sign(Tokens.header(), Tokens.json(claims));
    }

    /** A token whose payload has this text in place of the value of a claim. */
    private static String raw(String claim, String json) {
        Map<String, Object> claims = Tokens.claims(NOW);
        claims.put(claim, "@@");
        return Tokens.sign(Tokens.header(), Tokens.json(claims).replace("\"@@\"", json));
    }

    private void accepted(String token) {
        assertThat(decoder.decode(token).getTokenValue()).isEqualTo(token);
    }

    private void rejected(String token) {
        assertThatThrownBy(() -> decoder.decode(token)).as(token).isInstanceOf(BadJwtException.class)
            .satisfies(error -> assertThat(Tokens.isUnavailable(error)).isFalse());
    }

    @Test
    void a_valid_token_describes_its_caller() {
        Jwt token = decoder.decode(with(claims -> { }));
        Caller caller = Caller.of(token);
        assertThat(caller.subject()).isEqualTo("0193b3a4-0000-7000-8000-000000000001");
        assertThat(caller.sessionId()).isEqualTo(Tokens.SESSION);
        assertThat(caller.scopes()).containsExactly("photos:read", "photos:write");
        assertThat(caller.hasScope("photos:read")).isTrue();
        assertThat(caller.hasScope("photos")).isFalse();
        assertThat(caller.hasRole("admin")).isTrue();
        assertThat(caller.expiresAt()).isEqualTo(Instant.ofEpochSecond(NOW + 900));
        assertThat(new CallerAuthentication(token).getAuthorities()).extracting(Object::toString)
            .containsExactly("SCOPE_photos:read", "SCOPE_photos:write", "ROLE_admin");
        assertThat(caller.toString() + new CallerAuthentication(token)).doesNotContain(token.getTokenValue());
    }

    @Test
    void a_client_has_no_roles_and_no_email() {
        Jwt token = decoder.decode(with(claims -> { claims.remove("sid"); claims.put("sub", "goptri"); }));
        Caller caller = Caller.of(token);
        assertThat(caller.subject()).isEqualTo("goptri");
        assertThat(caller.sessionId()).isNull();
        assertThat(caller.roles()).isEmpty();
        assertThat(caller.hasRole("admin")).isFalse();
        assertThat(caller.email()).isNull();
        assertThat(new CallerAuthentication(token).getAuthorities()).extracting(Object::toString)
            .containsExactly("SCOPE_photos:read", "SCOPE_photos:write");
    }

    @Test
    void times_are_checked_with_the_leeway() throws IOException {
        String token = with(claims -> { });
        assertThat(decoder(NOW + 929).decode(token)).isNotNull();
        assertThatThrownBy(() -> decoder(NOW + 930).decode(token)).isInstanceOf(BadJwtException.class);
        assertThat(decoder(NOW - 3_630).decode(token)).isNotNull();
        assertThatThrownBy(() -> decoder(NOW - 3_631).decode(token)).isInstanceOf(BadJwtException.class);
        accepted(with(claims -> claims.put("nbf", NOW + 30)));
        rejected(with(claims -> claims.put("nbf", NOW + 31)));
        accepted(with(claims -> claims.put("exp", NOW)));
        rejected(with(claims -> claims.put("exp", NOW - 1)));
        rejected(with(claims -> claims.put("nbf", NOW + 901)));
        rejected(with(claims -> claims.put("auth_time", NOW + 1)));
        accepted(raw("exp", (NOW + 900) + ".9"));
        accepted(raw("exp", "1.8000009e9"));
    }

    @Test
    void a_number_is_never_text_and_null_is_never_absent() {
        for (String claim : List.of("exp", "iat", "nbf", "auth_time")) {
            for (String json : List.of("\"1800000000\"", "null", "true", "[]", "{}", "-1", "1e999", "253402300800")) {
                rejected(raw(claim, json));
            }
        }
        for (String claim : List.of("sub", "jti", "client_id", "iss", "aud", "scope", "sid", "email")) {
            for (String json : List.of("null", "7", "true", "{}", "\"a\\u0000\"", "\"\\ud800\"", "\" \\u00a0\"")) {
                rejected(raw(claim, json));
            }
        }
        for (String json : List.of("null", "\"admin\"", "[null]", "[7]", "[\"\"]")) {
            rejected(raw("roles", json));
        }
        rejected(raw("email_verified", "null"));
        rejected(raw("email_verified", "\"true\""));
        rejected(raw("scope", "\"a  b\""));
        rejected(raw("scope", "\" a\""));
        accepted(raw("scope", "\"\""));
        accepted(raw("unknown", "[null,{\"a\":1}]"));
    }

    @Test
    void a_token_has_a_session_or_its_client_as_subject() {
        accepted(with(claims -> { claims.remove("sid"); claims.put("sub", "goptri"); }));
        rejected(with(claims -> claims.remove("sid")));
        rejected(with(claims -> claims.put("sub", "goptri")));
    }

    @Test
    void issuer_and_audience_are_compared_exactly() {
        rejected(with(claims -> claims.put("iss", Tokens.ISSUER + "/")));
        rejected(with(claims -> claims.put("aud", "https://api.example.evil")));
        rejected(with(claims -> claims.put("aud", List.of())));
        accepted(with(claims -> claims.put("aud", List.of("other", Tokens.AUDIENCE))));
    }

    @Test
    void the_header_selects_no_algorithm_and_no_key() {
        String kid = Tokens.kid(Tokens.SECRET);
        String payload = Tokens.json(Tokens.claims(NOW));
        for (String header : List.of(
            "{\"typ\":\"at+jwt\",\"alg\":\"none\",\"kid\":\"" + kid + "\"}",
            "{\"typ\":\"at+jwt\",\"alg\":\"HS512\",\"kid\":\"" + kid + "\"}",
            "{\"typ\":\"at+jwt\",\"alg\":\"HS256\"}",
            "{\"typ\":\"at+jwt\",\"alg\":\"HS256\",\"kid\":null}",
            "{\"typ\":\"at+jwt\",\"alg\":\"HS256\",\"kid\":\"" + Tokens.kid(Tokens.OTHER_SECRET) + "\"}",
            "{\"alg\":\"HS256\",\"kid\":\"" + kid + "\"}",
            "{\"typ\":\"JWT\",\"alg\":\"HS256\",\"kid\":\"" + kid + "\"}",
            "{\"typ\":\"appl\u0130cation/at+jwt\",\"alg\":\"HS256\",\"kid\":\"" + kid + "\"}",
            "{\"typ\":\"at+jwt\",\"alg\":\"HS256\",\"kid\":\"" + kid + "\",\"crit\":null}",
            "{\"typ\":\"at+jwt\",\"alg\":\"HS256\",\"kid\":\"" + kid + "\",\"zip\":\"DEF\"}",
            "{\"typ\":\"at+jwt\",\"alg\":\"HS256\",\"kid\":\"" + kid + "\",\"k\\u0069d\":\"" + kid + "\"}")) {
            rejected(Tokens.sign(header, payload));
        }
        accepted(Tokens.sign("{\"typ\":\"Application/AT+JWT\",\"alg\":\"HS256\",\"kid\":\"" + kid
            + "\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"},\"jku\":7,\"x5c\":\"no\"}", payload));
    }

    @Test
    void json_has_no_duplicates_and_limits() {
        String payload = Tokens.json(Tokens.claims(NOW));
        String more = payload.substring(0, payload.length() - 1);
        rejected(Tokens.sign(Tokens.header(), more + ",\"aud\":\"x\"}"));
        rejected(Tokens.sign(Tokens.header(), more + ",\"x\":[{\"a\":1,\"\\u0061\":2}]}"));
        rejected(Tokens.sign(Tokens.header(), payload + " {}"));
        rejected(Tokens.sign(Tokens.header(), "\ufeff" + payload));
        rejected(Tokens.sign(Tokens.header(), " " + payload));
        rejected(Tokens.sign(Tokens.header(), more + ",\"x\":1e999}"));
        rejected(Tokens.sign(Tokens.header(), more + ",\"x\":NaN}"));
        rejected(Tokens.sign(Tokens.header(), more + ",\"\\udc00\":1}"));
        byte[] invalid = payload.getBytes(StandardCharsets.UTF_8);
        invalid[payload.indexOf("ann@")] = (byte) 0xff;
        rejected(Tokens.sign(Tokens.header().getBytes(StandardCharsets.UTF_8), invalid));
        accepted(Tokens.sign(Tokens.header(), payload + " "));
        accepted(Tokens.sign(Tokens.header(), more + members(53) + "}"));
        rejected(Tokens.sign(Tokens.header(), more + members(54) + "}"));
        accepted(Tokens.sign(Tokens.header(), more + ",\"x\":[" + "{},".repeat(51) + "{}]}"));
        rejected(Tokens.sign(Tokens.header(), more + ",\"x\":[" + "{},".repeat(52) + "{}]}"));
        accepted(Tokens.sign(Tokens.header(), more + ",\"x\":" + "[".repeat(126) + "]".repeat(126) + "}"));
        rejected(Tokens.sign(Tokens.header(), more + ",\"x\":" + "[".repeat(127) + "]".repeat(127) + "}"));
    }

    private static String members(int count) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < count; i++) {
            text.append(",\"m").append(i).append("\":0");
        }
        return text.toString();
    }

    @Test
    void a_token_has_one_encoding_and_one_signature() {
        String token = with(claims -> { });
        String[] parts = token.split("\\.");
        List<String> others = new ArrayList<>(List.of("", ".", "..", "a.b", token + ".", "." + token, token + "=",
            token.replace('_', '/').concat("A"), parts[0] + "." + parts[1], parts[0] + "." + parts[1] + ".",
            token + "\n",
            " " + token, parts[0] + ".." + parts[2], token + "." + parts[2]));
        String last = token.substring(token.length() - 1);
        // The last character of 32 bytes carries two unused bits.
        String alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        others.add(token.substring(0, token.length() - 1) + alphabet.charAt(alphabet.indexOf(last) + 1));
        byte[] signature = StrictJson.base64url(parts[2]);
        signature[0] ^= 1;
        others.add(parts[0] + "." + parts[1] + "." + Tokens.base64url(signature));
        others.add(parts[0] + "." + parts[1] + "." + Tokens.base64url(Arrays.copyOf(signature, 31)));
        others.add(Tokens.sign(Tokens.header(), Tokens.json(Map.of("x", "a".repeat(8_000)))));
        others.forEach(this::rejected);
        accepted(token);
    }

    @Test
    void a_long_scope_needs_no_deep_stack() {
        accepted(raw("scope", "\"" + "a ".repeat(2_400) + "a\""));
    }

    @Test
    void a_long_text_costs_no_time() {
        String almostText = raw("email", "\"" + "a".repeat(5_000) + "\\u0001\"");
        rejected(almostText);
        assertTimeoutPreemptively(Duration.ofSeconds(2), () -> {
            for (int i = 0; i < 100; i++) {
                rejected(almostText);
            }
        });
    }

    @Test
    void an_unknown_key_is_unavailable_until_the_published_keys_are_known() throws IOException {
        VerifyingKeys keys = Tokens.keys();
        keys.setSecrets(List.of(Tokens.OTHER_SECRET));
        GoptriJwtDecoder waiting = new GoptriJwtDecoder(Tokens.settings(), Clock.systemUTC(), keys,
            each -> OAuth2TokenValidatorResult.success());
        assertThatThrownBy(() -> waiting.decode(with(claims -> { }))).isInstanceOf(BadJwtException.class)
            .satisfies(error -> assertThat(Tokens.isUnavailable(error)).isTrue());
        keys.setPublished("{\"keys\":[]}".getBytes(StandardCharsets.UTF_8));
        assertThatThrownBy(() -> waiting.decode(with(claims -> { }))).isInstanceOf(BadJwtException.class)
            .satisfies(error -> assertThat(Tokens.isUnavailable(error)).isFalse());
    }
}
