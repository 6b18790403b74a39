package io.github.goptri.payments;

import static org.hamcrest.Matchers.hasSize;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.get;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.content;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.header;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.jsonPath;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.status;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Arrays;
import java.util.Date;

import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.util.Base64URL;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.autoconfigure.web.servlet.AutoConfigureMockMvc;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.test.web.servlet.MockMvc;

@AutoConfigureMockMvc
@SpringBootTest(properties = {"goptri.access-token-secret=" + PaymentsTest.SECRET,
    "goptri.auth-server-url=http://127.0.0.1:9"})
class PaymentsTest {
    static final String SECRET = "5f2a9c4be1d078365f2a9c4be1d07836";

    @Autowired
    private MockMvc service;

    @Test
    void payments_need_an_access_token() throws Exception {
        service.perform(get("/payments")).andExpect(status().isUnauthorized())
            .andExpect(header().string("WWW-Authenticate", "Bearer"));
        service.perform(get("/payments").header("Authorization", "Bearer a.b.c")).andExpect(status().isUnauthorized())
            .andExpect(jsonPath("$.error").value("invalid_token"));
    }

    @Test
    void payments_name_their_caller() throws Exception {
        Instant exp = Instant.ofEpochSecond(Instant.now().getEpochSecond() + 60);
        service.perform(get("/payments").header("Authorization", "Bearer " + token(exp))).andExpect(status().isOk())
            .andExpect(jsonPath("$.payments", hasSize(3)))
            .andExpect(content().json("{\"caller\":{\"sub\":\"user\",\"roles\":[],\"scope\":\"a b\","
                + "\"sid\":\"session\",\"exp\":" + exp.getEpochSecond() + "}}"))
            .andExpect(jsonPath("$.caller.email").doesNotExist());
    }

    @Test
    void an_open_route_checks_nothing() throws Exception {
        service.perform(get("/unguarded").header("Authorization", "Bearer a.b.c")).andExpect(status().isOk())
            .andExpect(jsonPath("$.payments", hasSize(3))).andExpect(jsonPath("$.caller").doesNotExist());
    }

    @Test
    void the_service_is_not_ready_without_the_published_keys() throws Exception {
        service.perform(get("/readyz")).andExpect(status().isServiceUnavailable());
    }

    private static String token(Instant exp) throws Exception {
        MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
        byte[] digest = sha256.digest(("goptri key id\0" + SECRET).getBytes(StandardCharsets.UTF_8));
        JWSHeader header = new JWSHeader.Builder(JWSAlgorithm.HS256).type(new JOSEObjectType("at+jwt"))
            .keyID(Base64URL.encode(Arrays.copyOf(digest, 12)).toString()).build();
        JWTClaimsSet claims = new JWTClaimsSet.Builder().issuer("http://localhost:4000")
            .audience("http://localhost:3000").subject("user").claim("sid", "session").claim("client_id", "goptri")
            .claim("scope", "a b").jwtID("token")
            .issueTime(Date.from(exp.minusSeconds(60))).expirationTime(Date.from(exp)).build();
        SignedJWT token = new SignedJWT(header, claims);
        token.sign(new MACSigner(SECRET));
        return token.serialize();
    }
}
