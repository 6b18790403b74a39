package io.github.goptri.spring;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.springframework.security.oauth2.jwt.JwtValidationException;

/** Makes tokens and settings for tests. */
final class Tokens {
    static final String SECRET = "5f2a9c4be1d078365f2a9c4be1d07836";
    static final String OTHER_SECRET = "8e71d2c5f0a9364b8e71d2c5f0a9364b";
    static final String FEED_SECRET = "feed-5f2a9c4be1d078365f2a9c4be1d07836";
    static final String ISSUER = "https://auth.example";
    static final String AUDIENCE = "https://api.example";
    static final String SESSION = "0193b3a4-0000-7000-8000-000000000002";
    static final String TOKEN = "0123456789abcdef0123456789abcdef";

    private Tokens() {}

    static GoptriSettings settings(String... more) {
        Map<String, String> variables = new HashMap<>(Map.of("ISSUER", ISSUER, "AUDIENCE", AUDIENCE,
            "ACCESS_TOKEN_SECRET", SECRET, "AUTH_SERVER_URL", "http://127.0.0.1:9"));
        for (int i = 0; i < more.length; i += 2) {
            variables.put(more[i], more[i + 1]);
        }
        return GoptriSettings.read(variables::get);
    }

    /** No keys yet, and no requests to auth-server. */
    static VerifyingKeys keys() {
        return new VerifyingKeys(new AuthServer(settings(), Runnable::run), () -> 0);
    }

    static String kid(String secret) {
        try {
            MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
            byte[] digest = sha256.digest(("goptri key id\0" + secret).getBytes(StandardCharsets.UTF_8));
            return base64url(Arrays.copyOf(digest, 12));
        } catch (GeneralSecurityException error) {
            throw new AssertionError(error);
        }
    }

    static String header() {
        return "{\"typ\":\"at+jwt\",\"alg\":\"HS256\",\"kid\":\"" + kid(SECRET) + "\"}";
    }

    static Map<String, Object> claims(long now) {
        Map<String, Object> claims = new LinkedHashMap<>();
        claims.put("iss", ISSUER);
        claims.put("sub", "0193b3a4-0000-7000-8000-000000000001");
        claims.put("aud", AUDIENCE);
        claims.put("exp", now + 900);
        claims.put("iat", now);
        claims.put("jti", TOKEN);
        claims.put("client_id", "goptri");
        claims.put("scope", "photos:read photos:write");
        claims.put("sid", SESSION);
        claims.put("email", "ann@example.com");
        claims.put("roles", new String[] {"admin"});
        return claims;
    }

    static String valid() {
        return sign(header(), json(claims(System.currentTimeMillis() / 1000)));
    }

    static String json(Object value) {
        try {
            return new ObjectMapper().writeValueAsString(value);
        } catch (JsonProcessingException error) {
            throw new AssertionError(error);
        }
    }

    static String sign(String header, String payload) {
        return sign(header.getBytes(StandardCharsets.UTF_8), payload.getBytes(StandardCharsets.UTF_8));
    }

    static String sign(byte[] header, byte[] payload) {
        return signSegments(base64url(header) + "." + base64url(payload));
    }

    static String signSegments(String input) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(SECRET.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
            return input + "." + base64url(mac.doFinal(input.getBytes(StandardCharsets.US_ASCII)));
        } catch (GeneralSecurityException error) {
            throw new AssertionError(error);
        }
    }

    /** Whether a decoder has rejected a token that may be valid. */
    static boolean isUnavailable(Throwable error) {
        return error instanceof JwtValidationException rejected
            && rejected.getErrors().stream().allMatch(each -> each.getErrorCode().equals("temporarily_unavailable"));
    }

    static String cookie(String token) {
        return Base64.getEncoder().encodeToString(("{\"jwt\":\"" + token + "\"}").getBytes(StandardCharsets.UTF_8));
    }

    static String base64url(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }
}
