package io.github.goptri.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import org.junit.jupiter.api.Test;

class VerifyingKeysTest {
    private final ECKey key = new ECKeyGenerator(Curve.P_256).keyID("one").generate();
    private final String good = key.toPublicJWK().toJSONString();

    VerifyingKeysTest() throws JOSEException {}

    private static VerifyingKeys published(String keys) {
        VerifyingKeys all = new VerifyingKeys();
        all.setPublished(("{\"keys\":[" + keys + "]}").getBytes(StandardCharsets.UTF_8));
        return all;
    }

    @Test
    void a_set_that_must_not_be_used_is_rejected_as_a_whole() {
        for (String set : List.of("", "[]", "{}", "null", "{\"keys\":{}}", "{\"keys\":[7]}", "<!doctype html>",
            "{\"keys\":[],\"keys\":[]}", "{\"keys\":[" + good + "," + good + "]}",
            "{\"keys\":[" + key.toJSONString() + "]}", "{\"keys\":[" + good + ",{\"kty\":\"oct\",\"k\":\"AAAA\"}]}",
            "{\"keys\":[" + "{},".repeat(64) + "{}]}", "{\"keys\":[{\"kty\":\"RSA\"}]}",
            "{\"keys\":[],\"x\":\"" + "a".repeat(VerifyingKeys.MAX_JWKS_BYTES) + "\"}")) {
            VerifyingKeys keys = published(good);
            assertThatThrownBy(() -> keys.setPublished(set.getBytes(StandardCharsets.UTF_8)))
                .as(set).isInstanceOf(IllegalArgumentException.class);
            assertThat(keys).as("the keys before stay in use").hasToString("[one (ES256)]");
        }
    }

    @Test
    void a_key_that_cannot_be_used_is_skipped() throws JOSEException {
        String weak = new RSAKeyGenerator(1024, true).generate().toPublicJWK().toJSONString();
        String strong = new RSAKeyGenerator(2048).keyID("two").generate().toPublicJWK().toJSONString();
        String other = new ECKeyGenerator(Curve.P_384).generate().toPublicJWK().toJSONString();
        for (String bad : List.of(weak, other, strong.replace("AQAB", "Aw"), strong.replace("AQAB", "AAEAAQ"),
            strong.replace("\"two\"", "7"), with("\"alg\":\"ES384\""), with("\"alg\":null"), with("\"use\":\"enc\""),
            with("\"key_ops\":[\"sign\"]"), good.replace("\"" + key.getX() + "\"", "\"" + key.getY() + "\""),
            good.replace("\"" + key.getX() + "\"", "\"" + key.getX() + "=\""))) {
            assertThat(published(bad + "," + strong)).as(bad).hasToString("[two (RS256)]");
        }
        assertThat(published(with("\"alg\":\"ES256\",\"use\":\"sig\",\"key_ops\":[\"verify\"]") + "," + strong))
            .hasToString("[one (ES256), two (RS256)]");
    }

    @Test
    void key_ops_is_a_list_of_strings_with_verify() {
        for (String operations : List.of("[\"verify\"]", "[\"sign\",\"verify\"]")) {
            assertThat(published(with("\"key_ops\":" + operations))).hasToString("[one (ES256)]");
        }
        for (String operations : List.of("\"verify\"", "{\"verify\":true}", "{\"a\":\"verify\"}", "[[\"verify\"]]",
            "[\"verify\",1]", "[\"verify\",null]", "[\"Verify\"]", "[\"verify \"]", "[]", "null", "7")) {
            assertSkipped(with("\"key_ops\":" + operations));
        }
    }

    @Test
    void the_type_and_the_curve_of_a_key_are_separate() throws JOSEException {
        String rsa = new RSAKeyGenerator(2048).generate().toPublicJWK().toJSONString();
        for (String type : List.of("\"RS\",\"crv\":\"A\"", "\"RSA\",\"crv\":\"\"", "\"RSA\",\"crv\":\"null\"",
            "\"\",\"crv\":\"RSA\"", "[\"RSA\"]")) {
            assertSkipped(rsa.replace("\"RSA\"", type));
        }
        assertSkipped(good.replace("\"EC\"", "\"E\"").replace("\"P-256\"", "\"CP-256\""));
        assertSkipped("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":" + "4".repeat(43) + "}");
    }

    /** A set of which no key can be used is rejected. */
    private static void assertSkipped(String jwk) {
        assertThatThrownBy(() -> published(jwk)).as(jwk).hasMessage("none of its keys can be used");
    }

    @Test
    void a_key_without_a_name_is_named_by_its_thumbprint() throws JOSEException {
        assertThat(published(good.replace("\"kid\":\"one\",", "")))
            .hasToString("[" + key.computeThumbprint() + " (ES256)]");
    }

    @Test
    void a_published_key_never_replaces_a_secret() {
        VerifyingKeys keys = published(good.replace("\"one\"", "\"" + Tokens.kid(Tokens.SECRET) + "\""));
        keys.setSecrets(List.of(Tokens.SECRET));
        assertThat(keys).hasToString("[" + Tokens.kid(Tokens.SECRET) + " (HS256)]");
    }

    private String with(String member) {
        return good.replace("\"kid\":\"one\"", "\"kid\":\"one\"," + member);
    }
}
