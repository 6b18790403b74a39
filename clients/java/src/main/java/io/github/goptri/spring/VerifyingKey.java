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
import java.util.List;

import javax.crypto.spec.SecretKeySpec;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.factories.DefaultJWSVerifierFactory;
import com.nimbusds.jose.jwk.AsymmetricJWK;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKMatcher;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.util.Base64URL;

/** A key with its only algorithm, which no token can change. */
record VerifyingKey(String kid, JWSAlgorithm algorithm, Key material) {
    private static final List<JWSAlgorithm> PUBLISHED =
        List.of(JWSAlgorithm.EdDSA, JWSAlgorithm.ES256, JWSAlgorithm.RS256);
    private static final int MIN_RSA_BITS = 2048;
    private static final int CURVE_BITS = 256;
    private static final DefaultJWSVerifierFactory VERIFIERS = new DefaultJWSVerifierFactory();

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

    /** @throws JOSEException if the key is private, or its type, curve, size, {@code use} or {@code alg} is another */
    static VerifyingKey of(JWK jwk) throws JOSEException, GeneralSecurityException {
        JWSAlgorithm algorithm = PUBLISHED.stream()
            .filter(each -> JWKMatcher.forJWSHeader(new JWSHeader(each)).matches(jwk))
            .findFirst().orElseThrow(() -> new JOSEException("no algorithm"));
        boolean isRsa = algorithm.equals(JWSAlgorithm.RS256);
        boolean hasSize = isRsa ? jwk.size() >= MIN_RSA_BITS : jwk.size() == CURVE_BITS;
        // With a private key, every reader of the set can sign tokens.
        if (jwk.isPrivate() || jwk.getKeyID() == null || !hasSize) {
            throw new JOSEException("a private key, no kid, or another size");
        }
        PublicKey key = jwk instanceof OctetKeyPair pair ? ed25519(pair) : ((AsymmetricJWK) jwk).toPublicKey();
        return new VerifyingKey(jwk.getKeyID(), algorithm, key);
    }

    /** The form of RFC 8410 §4, which Java reads. */
    private static PublicKey ed25519(OctetKeyPair pair) throws GeneralSecurityException {
        byte[] prefix = Base64.getDecoder().decode("MCowBQYDK2VwAyEA");
        byte[] encoded = Arrays.copyOf(prefix, prefix.length + 32);
        System.arraycopy(pair.getDecodedX(), 0, encoded, prefix.length, 32);
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
            // Nimbus needs another library for it. Java 17 ignores bytes behind the 64.
            Signature ed25519 = Signature.getInstance("Ed25519");
            ed25519.initVerify((PublicKey) material);
            ed25519.update(signed);
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
