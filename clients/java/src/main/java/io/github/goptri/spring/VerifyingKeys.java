package io.github.goptri.spring;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.text.ParseException;
import java.util.*;

import com.nimbusds.jose.*;
import com.nimbusds.jose.crypto.*;
import com.nimbusds.jose.jwk.*;
import com.nimbusds.jose.util.Base64URL;
import org.springframework.util.Assert;

import io.github.goptri.spring.ProtocolError.Rejection;

import static java.nio.charset.StandardCharsets.UTF_8;

/** The keys that verify access tokens, by {@code kid}. Each has one algorithm. */
final class VerifyingKeys {
    private record VerifyingKey(JWSAlgorithm algorithm, JWSVerifier verifier) {}

    private volatile Map<String, VerifyingKey> secrets = Map.of();
    private volatile Map<String, VerifyingKey> published;
    /** Whether a token has named an unknown key. */
    volatile boolean isKeyMissing;

    /** Verifies with these secrets, instead of those before. */
    void setSecrets(List<String> texts) {
        Map<String, VerifyingKey> keys = new HashMap<>();
        try {
            for (String text : texts) {
                byte[] digest = MessageDigest.getInstance("SHA-256")
                    .digest(("goptri key id\0" + text).getBytes(UTF_8));
                keys.put(Base64URL.encode(Arrays.copyOf(digest, 12)).toString(),
                    new VerifyingKey(JWSAlgorithm.HS256, new MACVerifier(text)));
            }
        } catch (JOSEException | NoSuchAlgorithmException error) {
            throw new IllegalStateException("HS256 is not available", error);
        }
        secrets = keys;
    }

    /** Verifies with the usable keys of this JWK set (RFC 7517 §5), instead of those before. */
    void setPublished(String jwks) throws JOSEException, ParseException {
        Map<String, VerifyingKey> keys = new HashMap<>();
        for (JWK key : JWKSet.parse(jwks).getKeys()) {
            Assert.isTrue(!key.isPrivate(), "the key set has private keys");
            if (isFor(JWSAlgorithm.EdDSA, key)) {
                keys.put(key.getKeyID(), new VerifyingKey(JWSAlgorithm.EdDSA,
                    new Ed25519Verifier(key.toOctetKeyPair())));
            } else if (isFor(JWSAlgorithm.ES256, key)) {
                keys.put(key.getKeyID(), new VerifyingKey(JWSAlgorithm.ES256,
                    new ECDSAVerifier(key.toECKey())));
            } else if (isFor(JWSAlgorithm.RS256, key) && key.size() >= 2048) {
                keys.put(key.getKeyID(), new VerifyingKey(JWSAlgorithm.RS256,
                    new RSASSAVerifier(key.toRSAKey())));
            }
        }
        published = keys;
    }

    private static boolean isFor(JWSAlgorithm algorithm, JWK key) {
        Set<KeyOperation> operations = key.getKeyOperations();
        return JWKMatcher.forJWSHeader(new JWSHeader(algorithm)).matches(key)
            && (operations == null || operations.contains(KeyOperation.VERIFY));
    }

    /** Whether the published keys were fetched, and there is any key. */
    boolean areComplete() {
        return published != null && !areEmpty();
    }

    boolean areEmpty() {
        return secrets.isEmpty() && (published == null || published.isEmpty());
    }

    /** Rejects a token unless the key that it names has signed it, with the key's algorithm. */
    void verify(String kid, String algorithm, byte[] signed, byte[] signature) {
        Map<String, VerifyingKey> others = published == null ? Map.of() : published;
        VerifyingKey key = secrets.getOrDefault(kid, others.get(kid));
        if (key == null) {
            isKeyMissing = true;
            throw new Rejection(areComplete() ? ProtocolError.INVALID_TOKEN
                : ProtocolError.TEMPORARILY_UNAVAILABLE, "no configured key has its kid");
        }
        boolean isGenuine = false;
        try {
            isGenuine = key.algorithm.getName().equals(algorithm) && key.verifier.verify(
                new JWSHeader(key.algorithm), signed, Base64URL.encode(signature));
        } catch (JOSEException error) {
            // As a signature that does not match.
        }
        Assert.isTrue(isGenuine, "its signature does not match the key that it names");
    }
}
