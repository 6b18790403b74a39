package io.github.goptri.spring;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

import com.fasterxml.jackson.databind.JsonNode;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSVerifier;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.crypto.MACVerifier;
import com.nimbusds.jose.crypto.RSASSAVerifier;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.util.Base64URL;

/** The keys that verify access tokens, by {@code kid}. Each has one algorithm, which no token can change. */
final class VerifyingKeys {
    static final int MAX_JWKS_BYTES = 128 * 1024;
    private static final int MAX_KEYS = 64;
    private static final List<String> PRIVATE_MEMBERS = List.of("d", "p", "q", "dp", "dq", "qi", "oth", "k");
    private static final byte[] ED25519_PREFIX = Base64.getDecoder().decode("MCowBQYDK2VwAyEA"); // RFC 8410 §4

    private record Key(String kid, JWSAlgorithm algorithm, Check check) {}

    private interface Check {
        boolean verify(byte[] signed, byte[] signature) throws JOSEException, GeneralSecurityException;
    }

    private Map<String, Key> secrets = Map.of();
    private Map<String, Key> published;
    private volatile Map<String, Key> all = Map.of();
    private volatile boolean complete;
    private volatile Runnable onUnknownKey = () -> {};

    /** Verifies with these secrets, instead of those before. */
    synchronized void setSecrets(List<String> texts) {
        secrets = byKid(texts.stream().map(VerifyingKeys::secret));
        merge();
    }

    /**
     * Verifies with the keys of this JWK set (RFC 7517 §5), instead of those before. Keys of other types are skipped.
     *
     * @throws IllegalArgumentException if the set must not be used; the keys then stay as they are
     */
    synchronized void setPublished(byte[] jwks) {
        published = parse(jwks);
        merge();
    }

    /** Calls {@code action} whenever a token names an unknown key. */
    void onUnknownKey(Runnable action) {
        onUnknownKey = action;
    }

    /** Whether the keys that auth-server publishes were fetched, and there is any key at all. */
    boolean isComplete() {
        return complete;
    }

    boolean isEmpty() {
        return all.isEmpty();
    }

    /** Names and algorithms, for the log. */
    @Override
    public String toString() {
        return all.values().stream().map(key -> key.kid + " (" + key.algorithm + ")").sorted().toList().toString();
    }

    /** @throws TokenRejectedException unless the key that the token names has signed it with the key's algorithm */
    void verify(AccessToken token) {
        Key key = all.get(token.kid());
        if (key == null) {
            boolean unavailable = !complete;
            onUnknownKey.run();
            throw new TokenRejectedException("no configured key has its kid", unavailable);
        }
        if (!key.algorithm.getName().equals(token.algorithm())) {
            throw new TokenRejectedException("its alg is not the algorithm of the key that it names", false);
        }
        boolean genuine;
        try {
            genuine = key.check.verify(token.signingInput(), token.signature());
        } catch (JOSEException | GeneralSecurityException error) {
            genuine = false;
        }
        if (!genuine) {
            throw new TokenRejectedException("its signature does not match", false);
        }
    }

    private void merge() {
        Map<String, Key> merged = new HashMap<>(published == null ? Map.of() : published);
        merged.putAll(secrets);
        all = merged;
        complete = published != null && !merged.isEmpty();
    }

    private static Map<String, Key> byKid(Stream<Key> keys) {
        Map<String, Key> byKid = new HashMap<>();
        keys.forEach(key -> require(byKid.put(key.kid, key) == null, "it has two keys with the same kid"));
        return byKid;
    }

    private static Key secret(String text) {
        try {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
            sha256.update("goptri key id\0".getBytes(StandardCharsets.US_ASCII));
            String kid = Base64URL.encode(Arrays.copyOf(sha256.digest(bytes), 12)).toString();
            return key(kid, JWSAlgorithm.HS256, new MACVerifier(bytes));
        } catch (JOSEException | GeneralSecurityException error) {
            throw new IllegalStateException("HS256 is not available", error);
        }
    }

    private static Map<String, Key> parse(byte[] jwks) {
        require(jwks.length <= MAX_JWKS_BYTES, "it is longer than " + MAX_JWKS_BYTES + " bytes");
        JsonNode keys = StrictJson.object(jwks, StrictJson.MAX_MEMBERS * MAX_KEYS).path("keys");
        require(keys.isArray() && keys.size() <= MAX_KEYS, "it has no array of at most " + MAX_KEYS + " keys");
        for (JsonNode jwk : keys) {
            require(jwk.isObject() && PRIVATE_MEMBERS.stream().noneMatch(jwk::has), "it has private members");
        }
        Map<String, Key> usable = byKid(Stream.iterate(0, i -> i < keys.size(), i -> i + 1)
            .map(keys::get).map(VerifyingKeys::publicKey).filter(key -> key != null));
        require(!usable.isEmpty() || keys.isEmpty(), "none of its keys can be used");
        return usable;
    }

    /** Returns null for a key that cannot be used. */
    private static Key publicKey(JsonNode jwk) {
        try {
            require(!jwk.has("use") || "sig".equals(jwk.get("use").textValue()), "use");
            require(!jwk.has("key_ops") || isForVerifying(jwk.get("key_ops")), "key_ops");
            require(!jwk.has("kid") || jwk.get("kid").isTextual(), "kid");
            Key key = keyOfType(jwk.path("kty").textValue(), jwk.path("crv").textValue(), jwk);
            require(!jwk.has("alg") || key.algorithm.getName().equals(jwk.get("alg").textValue()), "alg");
            return jwk.has("kid") ? new Key(jwk.get("kid").textValue(), key.algorithm, key.check) : key;
        } catch (IllegalArgumentException | IllegalStateException | JOSEException | GeneralSecurityException error) {
            return null;
        }
    }

    private static boolean isForVerifying(JsonNode operations) {
        List<String> names = StreamSupport.stream(operations.spliterator(), false).map(JsonNode::textValue).toList();
        return operations.isArray() && !names.contains(null) && names.contains("verify");
    }

    private static Key keyOfType(String type, String curve, JsonNode jwk)
        throws JOSEException, GeneralSecurityException {
        if ("OKP".equals(type) && "Ed25519".equals(curve)) {
            return ed25519(number(jwk, "x", 32));
        }
        if ("EC".equals(type) && "P-256".equals(curve)) {
            return p256(number(jwk, "x", 32), number(jwk, "y", 32));
        }
        require("RSA".equals(type) && curve == null, "kty");
        return rsa(number(jwk, "n", 0), number(jwk, "e", 0));
    }

    private static Base64URL number(JsonNode jwk, String name, int length) {
        String text = jwk.path(name).textValue();
        require(text != null, name);
        byte[] bytes = StrictJson.base64url(text);
        require(length == 0 ? bytes.length > 0 && bytes[0] != 0 : bytes.length == length, name);
        return new Base64URL(text);
    }

    private static Key ed25519(Base64URL x) throws JOSEException, GeneralSecurityException {
        byte[] encoded = Arrays.copyOf(ED25519_PREFIX, ED25519_PREFIX.length + 32);
        System.arraycopy(x.decode(), 0, encoded, ED25519_PREFIX.length, 32);
        PublicKey key = KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(encoded));
        String kid = new OctetKeyPair.Builder(Curve.Ed25519, x).build().computeThumbprint().toString();
        return new Key(kid, JWSAlgorithm.EdDSA, (signed, signature) -> {
            Signature ed25519 = Signature.getInstance("Ed25519");
            ed25519.initVerify(key);
            ed25519.update(signed);
            return signature.length == 64 && ed25519.verify(signature); // JDK 17 ignores bytes behind the 64
        });
    }

    private static Key p256(Base64URL x, Base64URL y) throws JOSEException {
        ECKey key = new ECKey.Builder(Curve.P_256, x, y).build();
        return key(key.computeThumbprint().toString(), JWSAlgorithm.ES256, new ECDSAVerifier(key));
    }

    private static Key rsa(Base64URL n, Base64URL e) throws JOSEException {
        RSAKey key = new RSAKey.Builder(n, e).build();
        int exponentBits = e.decodeToBigInteger().bitLength();
        int bits = n.decodeToBigInteger().bitLength();
        require(bits >= 2048 && bits <= 8192 && n.decodeToBigInteger().testBit(0), "n");
        require(exponentBits >= 17 && exponentBits <= 33 && e.decodeToBigInteger().testBit(0), "e");
        return key(key.computeThumbprint().toString(), JWSAlgorithm.RS256, new RSASSAVerifier(key));
    }

    private static Key key(String kid, JWSAlgorithm algorithm, JWSVerifier verifier) {
        JWSHeader header = new JWSHeader(algorithm);
        return new Key(kid, algorithm,
            (signed, signature) -> verifier.verify(header, signed, Base64URL.encode(signature)));
    }

    private static void require(boolean condition, String problem) {
        if (!condition) {
            throw new IllegalArgumentException(problem);
        }
    }
}
