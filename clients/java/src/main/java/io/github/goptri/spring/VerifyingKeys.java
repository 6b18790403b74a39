package io.github.goptri.spring;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.nimbusds.jose.jwk.JWK;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.security.oauth2.core.OAuth2Error;
import org.springframework.security.oauth2.core.OAuth2ErrorCodes;
import org.springframework.security.oauth2.jwt.BadJwtException;
import org.springframework.security.oauth2.jwt.JwtValidationException;
import org.springframework.util.Assert;

/** The keys that verify access tokens, by {@code kid}: secrets, and the keys that auth-server publishes. */
final class VerifyingKeys {
    private static final Logger LOG = LoggerFactory.getLogger(VerifyingKeys.class);
    private static final String PROBLEM = "the keys cannot be fetched";
    private static final int MAX_JWKS_BYTES = 1024 * 1024;
    private static final long FETCH_TIMEOUT = 20_000;
    private static final long UNKNOWN_KEY_COOLDOWN = 10_000;
    private static final long MIN_PAUSE = 100;
    private static final long MAX_PAUSE = 300_000;
    private static final long MAX_PAUSE_AFTER_FAILURE = 10_000;

    private final AuthServer server;
    private final LongSupplier clock;
    private volatile Map<String, VerifyingKey> secrets = Map.of();
    private volatile Map<String, VerifyingKey> published;
    private volatile boolean isKeyMissing;
    private Future<?> fetch = CompletableFuture.completedFuture(null);
    private long fetchedAt;
    private long fetchAt = Long.MIN_VALUE;
    private long pause = MIN_PAUSE;

    VerifyingKeys(AuthServer server, LongSupplier clock) {
        this.server = server;
        this.clock = clock;
    }

    /** Verifies with these secrets, instead of those before. */
    void setSecrets(List<String> texts) {
        secrets = texts.stream().map(VerifyingKey::of)
            .collect(Collectors.toMap(VerifyingKey::kid, key -> key, (key, same) -> key));
    }

    /**
     * The key that a token names. A secret wins over a published key of the same name.
     *
     * @throws BadJwtException if there is none; the keys are then fetched again, at most every ten seconds
     */
    VerifyingKey find(String kid) {
        VerifyingKey key = secrets.containsKey(kid) || published == null ? secrets.get(kid) : published.get(kid);
        if (key == null) {
            isKeyMissing = true;
            // A client would discard a valid token on a 401.
            throw isComplete() ? new BadJwtException("no known key has its kid") : new JwtValidationException(
                "not all keys are known yet", List.of(new OAuth2Error(OAuth2ErrorCodes.TEMPORARILY_UNAVAILABLE)));
        }
        return key;
    }

    /** Whether the keys that auth-server publishes were fetched, and there is any key at all. */
    boolean isComplete() {
        return published != null && !(published.isEmpty() && isWithoutSecrets());
    }

    boolean isWithoutSecrets() {
        return secrets.isEmpty();
    }

    /** Fetches soon, and then again and again: auth-servers behind one address get new keys at different times. */
    void expectNewKeys() {
        pause = MIN_PAUSE;
        fetchAt = clock.getAsLong();
    }

    /** Fetches the published keys when it is time. The last ones stay in use during an outage. */
    void tick() {
        long now = clock.getAsLong();
        if (now >= fetchAt || isKeyMissing && now >= fetchedAt + UNKNOWN_KEY_COOLDOWN) {
            fetch.cancel(true);
            isKeyMissing = false;
            fetchedAt = now;
            fetchAt = now + FETCH_TIMEOUT;
            ByteArrayOutputStream body = new ByteArrayOutputStream();
            fetch = server.get("/.well-known/jwks.json",
                chunk -> body.write(chunk, 0, Math.min(chunk.length, MAX_JWKS_BYTES - body.size())),
                problem -> onFetched(body.toByteArray(), problem), "Cache-Control", "no-cache");
        }
    }

    private void onFetched(byte[] jwks, String problem) {
        try {
            Assert.isNull(problem, problem);
            setPublished(jwks);
            server.report(PROBLEM, null);
            pause = Math.min(pause * 2, MAX_PAUSE);
        } catch (IOException | RuntimeException error) {
            server.report(PROBLEM, error.getMessage());
            pause = Math.min(pause * 2, MAX_PAUSE_AFTER_FAILURE);
        }
        fetchAt = clock.getAsLong() + pause;
    }

    /**
     * Verifies with the keys of this JWK set (RFC 7517 §5), instead of those before. Skips keys that cannot be used.
     *
     * @throws IOException if it is not JSON
     * @throws IllegalArgumentException if it is no JWK set, two keys have one kid, or none of the keys can be used
     */
    void setPublished(byte[] jwks) throws IOException {
        JsonNode list = StrictJson.MAPPER.readTree(jwks).path("keys");
        Assert.isTrue(list.isArray(), "it is not a set of keys");
        Map<String, VerifyingKey> usable = new HashMap<>();
        List<String> skipped = new ArrayList<>();
        Set<String> kids = new HashSet<>();
        for (JsonNode jwk : list) {
            String kid = jwk.path("kid").textValue();
            Assert.isTrue(kid == null || kids.add(kid), "two keys have one kid");
            try {
                usable.put(kid, VerifyingKey.of(JWK.parse(jwk.toString())));
            } catch (Exception unusable) {
                skipped.add(jwk.path("kid").asText());
            }
        }
        Assert.isTrue(skipped.isEmpty() || !usable.isEmpty(), "none of the keys can be used");
        server.report("keys that cannot be used", skipped.isEmpty() ? null : skipped.toString());
        if (published == null || !published.keySet().equals(usable.keySet())) {
            LOG.info("auth-server publishes these keys: {}", usable.values());
        }
        published = usable;
    }
}
