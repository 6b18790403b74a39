package io.github.goptri.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import org.junit.jupiter.api.Test;
import org.springframework.security.oauth2.jwt.BadJwtException;

class VerifyingKeysTest {
    private final ECKey key = new ECKeyGenerator(Curve.P_256).keyID("one").generate();
    private final String good = key.toPublicJWK().toJSONString();

    VerifyingKeysTest() throws JOSEException {}

    private static VerifyingKeys published(String keys) throws IOException {
        VerifyingKeys all = Tokens.keys();
        all.setPublished(("{\"keys\":[" + keys + "]}").getBytes(StandardCharsets.UTF_8));
        return all;
    }

    @Test
    void a_set_that_must_not_be_used_is_rejected_as_a_whole() throws IOException {
        for (String set : List.of("", "[]", "{}", "null", "{\"keys\":{}}", "{\"keys\":[7]}", "{\"keys\":null}",
            "<!doctype html>", "{\"keys\":[],\"keys\":[]}", "{\"keys\":[{\"kty\":\"RSA\"}]}",
            "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"k\",\"k\":\"AAAA\"}]}")) {
            VerifyingKeys keys = published(good);
            assertThatThrownBy(() -> keys.setPublished(set.getBytes(StandardCharsets.UTF_8))).as(set)
                .isInstanceOfAny(IOException.class, RuntimeException.class);
            assertThat(keys.find("one")).as("the keys before stay in use").hasToString("one (ES256)");
        }
    }

    @Test
    void a_set_with_one_kid_twice_is_rejected_as_a_whole() throws JOSEException, IOException {
        String other = new ECKeyGenerator(Curve.P_256).keyID("one").generate().toPublicJWK().toJSONString();
        String unusable = "{\"kty\":\"later\",\"kid\":\"one\"}";
        for (List<String> pair : List.of(List.of(good, other), List.of(good, good), List.of(unusable, good))) {
            VerifyingKeys keys = published(good.replace("\"one\"", "\"before\""));
            String set = "{\"keys\":" + pair + "}";
            assertThatThrownBy(() -> keys.setPublished(set.getBytes(StandardCharsets.UTF_8))).as(set)
                .hasMessage("two keys have one kid");
            assertThat(keys.find("before")).as("the keys before stay in use").isNotNull();
        }
    }

    @Test
    void members_of_a_later_version_are_ignored() throws IOException {
        VerifyingKeys keys = Tokens.keys();
        String set = "{\"more\":{},\"keys\":[" + with("\"more\":7") + "]}";
        keys.setPublished(set.getBytes(StandardCharsets.UTF_8));
        assertThat(keys.find("one")).hasToString("one (ES256)");
    }

    @Test
    void a_key_that_cannot_be_used_is_skipped() throws JOSEException, IOException {
        String weak = new RSAKeyGenerator(1024, true).keyID("one").generate().toPublicJWK().toJSONString();
        String strong = new RSAKeyGenerator(2048).keyID("two").generate().toPublicJWK().toJSONString();
        String other = new ECKeyGenerator(Curve.P_384).keyID("one").generate().toPublicJWK().toJSONString();
        for (String bad : List.of(weak, other, key.toJSONString(), with("\"alg\":\"ES384\""), with("\"use\":\"enc\""),
            with("\"use\":7"), good.replace("\"one\"", "7"),
            good.replace("\"" + key.getX() + "\"", "\"" + key.getY() + "\""),
            "{\"kty\":\"OKP\",\"kid\":\"one\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}",
            "{\"kty\":\"OKP\",\"kid\":\"one\",\"crv\":\"Ed448\",\"x\":\"" + "A".repeat(76) + "\"}",
            "{\"kty\":\"oct\",\"kid\":\"one\",\"alg\":\"HS256\",\"k\":\"" + "A".repeat(43) + "\"}")) {
            VerifyingKeys keys = published(bad + "," + strong);
            assertThatThrownBy(() -> keys.find("one")).as(bad).isInstanceOf(BadJwtException.class);
            assertThat(keys.find("two")).as(bad).hasToString("two (RS256)");
        }
        assertThat(published(with("\"alg\":\"ES256\",\"use\":\"sig\",\"key_ops\":[\"verify\"]")).find("one"))
            .hasToString("one (ES256)");
    }

    @Test
    void a_published_key_never_replaces_a_secret() throws IOException {
        String kid = Tokens.kid(Tokens.SECRET);
        VerifyingKeys keys = published(good.replace("\"one\"", "\"" + kid + "\""));
        keys.setSecrets(List.of(Tokens.SECRET));
        assertThat(keys.find(kid)).hasToString(kid + " (HS256)");
    }

    private String with(String member) {
        return good.replace("\"kid\":\"one\"", "\"kid\":\"one\"," + member);
    }
}
