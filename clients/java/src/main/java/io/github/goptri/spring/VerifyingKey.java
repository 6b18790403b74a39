package io.github.goptri.spring;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;

import javax.crypto.spec.SecretKeySpec;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.factories.DefaultJWSVerifierFactory;
import com.nimbusds.jose.jwk.AsymmetricJWK;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKMatcher;
import com.nimbusds.jose.jwk.KeyType;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.util.Base64URL;
import com.nimbusds.jose.util.ByteUtils;

/** A key with its only algorithm, which no token can change. */
record VerifyingKey(String kid, JWSAlgorithm algorithm, Key material) {
    private static final DefaultJWSVerifierFactory VERIFIERS = new DefaultJWSVerifierFactory();
    private static final byte[] ED25519_PREFIX = Base64.getDecoder().decode("MCowBQYDK2VwAyEA");
    private static final Map<JWSAlgorithm, JWKMatcher> PUBLISHED = Map.of(
        JWSAlgorithm.EdDSA, keysFor(JWSAlgorithm.EdDSA).curve(Curve.Ed25519).keySize(256).build(),
        JWSAlgorithm.ES256, keysFor(JWSAlgorithm.ES256).curve(Curve.P_256).build(),
        JWSAlgorithm.RS256, keysFor(JWSAlgorithm.RS256).keyType(KeyType.RSA).minKeySize(2048).build());

    /** A secret of {@code ACCESS_TOKEN_SECRET}: its text is the key, and a truncated hash its kid. */
    static VerifyingKey of(String secret) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256")
                .digest(("goptri key id\0" + secret).getBytes(StandardCharsets.UTF_8));
            return new VerifyingKey(Base64URL.encode(Arrays.copyOf(hash, 12)).toString(), JWSAlgorithm.HS256,
                new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException(error);
        }
    }

    /** @throws JOSEException if the key is private, or has no kid or another type, curve, size, use or algorithm */
    static VerifyingKey of(JWK jwk) throws JOSEException, GeneralSecurityException {
        for (Map.Entry<JWSAlgorithm, JWKMatcher> each : PUBLISHED.entrySet()) {
            if (each.getValue().matches(jwk)) {
                return new VerifyingKey(jwk.getKeyID(), each.getKey(), publicKey(jwk));
            }
        }
        throw new JOSEException("it matches no algorithm");
    }

    private static JWKMatcher.Builder keysFor(JWSAlgorithm algorithm) {
        return new JWKMatcher.Builder().hasKeyID(true).algorithms(algorithm, null).keyUses(KeyUse.SIGNATURE, null)
            .publicOnly(true); // with a private key, every reader of the set can sign tokens
    }

    /** Nimbus needs another library for Ed25519. Java reads its keys in the form of RFC 8410 §4. */
    private static PublicKey publicKey(JWK jwk) throws JOSEException, GeneralSecurityException {
        if (!(jwk instanceof OctetKeyPair ed25519)) {
            return ((AsymmetricJWK) jwk).toPublicKey();
        }
        byte[] encoded = ByteUtils.concat(ED25519_PREFIX, ed25519.getDecodedX());
        return KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(encoded));
    }

    /** Whether the signature is one of this key. */
    boolean verifies(byte[] signed, byte[] signature) {
        try {
            if (!algorithm.equals(JWSAlgorithm.EdDSA)) {
                JWSHeader header = new JWSHeader(algorithm);
                return VERIFIERS.createJWSVerifier(header, material)
                    .verify(header, signed, Base64URL.encode(signature));
            }
            Signature ed25519 = Signature.getInstance("Ed25519");
            ed25519.initVerify((PublicKey) material);
            ed25519.update(signed);
            // Java 17 ignores bytes behind the 64.
            return signature.length == 64 && ed25519.verify(signature);
        } catch (JOSEException | GeneralSecurityException error) {
            return false;
        }
    }

    /** Does not show the key. */
    @Override
    public String toString() {
        return kid + " (" + algorithm + ")";
    }
}
