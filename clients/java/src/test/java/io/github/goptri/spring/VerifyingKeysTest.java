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
