package io.github.goptri.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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

    private static VerifyingKeys published(String keys) throws Exception {
        VerifyingKeys all = new VerifyingKeys();
        all.setPublished("{\"keys\":[" + keys + "]}");
        return all;
    }

    @Test
    void a_set_that_must_not_be_used_is_rejected_as_a_whole() throws Exception {
        for (String set : List.of("", "[]", "{}", "null", "{\"keys\":{}}", "{\"keys\":[7]}", "<!doctype html>",
            "{\"keys\":[" + key.toJSONString() + "]}", "{\"keys\":[" + good + ",{\"kty\":\"oct\",\"k\":\"AAAA\"}]}",
            "{\"keys\":[{\"kty\":\"RSA\"}]}")) {
            VerifyingKeys keys = published(good);
            assertThatThrownBy(() -> keys.setPublished(set)).as(set).isInstanceOf(Exception.class);
            assertThat(keys.areEmpty()).as("the keys before stay in use").isFalse();
        }
    }

    @Test
    void a_key_that_cannot_be_used_is_skipped() throws Exception {
        String weak = new RSAKeyGenerator(1024, true).keyID("weak").generate().toPublicJWK().toJSONString();
        String strong = new RSAKeyGenerator(2048).keyID("two").generate().toPublicJWK().toJSONString();
        for (String bad : List.of(weak, with("\"alg\":\"ES384\""), with("\"use\":\"enc\""),
            with("\"key_ops\":[\"sign\"]"), "{\"kty\":\"new\",\"kid\":\"new\"}")) {
            assertThat(published(bad).areEmpty()).as(bad).isTrue();
        }
        for (String usable : List.of(good, strong, with("\"alg\":\"ES256\",\"use\":\"sig\""),
            with("\"key_ops\":[\"verify\"]"))) {
            assertThat(published(usable).areEmpty()).as(usable).isFalse();
        }
    }

    private String with(String member) {
        return good.replace("\"kid\":\"one\"", "\"kid\":\"one\"," + member);
    }
}
