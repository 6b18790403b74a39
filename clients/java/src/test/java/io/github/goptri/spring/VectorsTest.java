package io.github.goptri.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.springframework.security.oauth2.jwt.BadJwtException;

/** The verdicts of the Rust crate, which every package must share. */
class VectorsTest {
    private final ObjectMapper mapper = new ObjectMapper();

    @TestFactory
    Stream<DynamicTest> every_vector_has_the_verdict_of_the_rust_crate() throws IOException {
        JsonNode file = mapper.readTree(Files.readString(Path.of("../vectors.json")));
        List<String> secrets = new ArrayList<>();
        file.get("secrets").forEach(secret -> secrets.add(secret.asText()));
        GoptriSettings settings = Tokens.settings("ISSUER", file.get("issuer").asText(), "AUDIENCE",
            file.get("audience").asText(), "CLOCK_LEEWAY", file.get("leeway").asLong() + "s", "ACCESS_TOKEN_SECRET",
            String.join(",", secrets));
        VerifyingKeys keys = Tokens.keys();
        keys.setSecrets(settings.accessSecrets());
        keys.setPublished(file.get("jwks").toString().getBytes(StandardCharsets.UTF_8));
        Revocations revocations = new Revocations(settings, () -> 0);
        file.get("revocations").forEach(entry -> assertThat(revocations.add(entry)).isTrue());
        revocations.setKnownAsOf(0);
        assertThat(file.get("vectors").size()).isGreaterThanOrEqualTo(120);
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode vector : file.get("vectors")) {
            Clock clock = Clock.fixed(Instant.ofEpochSecond(vector.get("now").asLong()), ZoneOffset.UTC);
            GoptriJwtDecoder decoder = new GoptriJwtDecoder(settings, clock, keys, revocations);
            tests.add(DynamicTest.dynamicTest(vector.get("name").asText(), () -> check(decoder, vector)));
        }
        return tests.stream();
    }

    private void check(GoptriJwtDecoder decoder, JsonNode vector) throws IOException {
        String token = vector.get("token").asText();
        if (vector.get("verdict").asText().equals("rejected")) {
            assertThatThrownBy(() -> decoder.decode(token)).isInstanceOf(BadJwtException.class)
                .satisfies(error -> assertThat(Tokens.isUnavailable(error)).isFalse());
            return;
        }
        Caller caller = Caller.of(decoder.decode(token));
        ObjectNode claims = mapper.createObjectNode();
        claims.put("sub", caller.subject());
        if (caller.email() != null) {
            claims.put("email", caller.email());
        }
        claims.set("roles", mapper.valueToTree(caller.roles()));
        claims.put("scope", String.join(" ", caller.scopes()));
        if (caller.sessionId() != null) {
            claims.put("sid", caller.sessionId());
        }
        claims.put("exp", caller.expiresAt().getEpochSecond());
        assertThat(mapper.readTree(claims.toString())).isEqualTo(vector.get("claims"));
    }
}
