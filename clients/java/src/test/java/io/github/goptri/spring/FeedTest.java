package io.github.goptri.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.util.Base64URL;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.security.oauth2.core.OAuth2TokenValidatorResult;
import org.springframework.security.oauth2.jwt.BadJwtException;
import org.springframework.security.oauth2.jwt.JwtDecoder;

@Timeout(30)
@ExtendWith(OutputCaptureExtension.class)
class FeedTest {
    private final AtomicLong later = new AtomicLong();
    private FakeAuthServer server;
    private Goptri goptri;
    private JwtDecoder decoder;

    @BeforeEach
    void serve() throws IOException {
        server = new FakeAuthServer();
    }

    @AfterEach
    void stop() throws IOException {
        if (goptri != null) {
            goptri.close();
        }
        server.close();
    }

    private void follow(String... more) {
        List<String> variables = new ArrayList<>(List.of("AUTH_SERVER_URL", server.url(), "FEED_SECRET",
            Tokens.FEED_SECRET));
        variables.addAll(List.of(more));
        goptri = new Goptri(() -> Tokens.settings(variables.toArray(String[]::new)), Clock.systemUTC(), this::millis);
        decoder = goptri.decoder(List.of());
    }

    private long millis() {
        return System.nanoTime() / 1_000_000 + later.get();
    }

    private long age() {
        return goptri.revocations().age();
    }

    private boolean accepts(String token) {
        try {
            return decoder.decode(token) != null;
        } catch (BadJwtException rejected) {
            return false;
        }
    }

    private boolean isUnavailable(String token) {
        try {
            decoder.decode(token);
            return false;
        } catch (BadJwtException rejected) {
            return Tokens.isUnavailable(rejected);
        }
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        while (!condition.getAsBoolean()) {
            Thread.sleep(2); // the time-out of the class ends it
        }
    }

    @Test
    void a_revocation_rejects_tokens_at_once() throws Exception {
        follow();
        FakeAuthServer.Stream stream = server.nextStream();
        assertThat(stream.headers()).containsEntry("Authorization", "Bearer " + Tokens.FEED_SECRET)
            .containsEntry("Accept", "text/event-stream");
        String token = Tokens.valid();
        assertThat(isUnavailable(token)).as("before caught-up").isTrue();
        assertThat(goptri.isReady()).isFalse();
        stream.start(FakeAuthServer.event("heartbeat", "{\"age_ms\":0,\"uptime_ms\":1000}")
            + FakeAuthServer.revoked("token", "another", 1));
        await(() -> goptri.revocations().size() == 1);
        assertThat(isUnavailable(token)).as("a heartbeat is not enough").isTrue();
        stream.send(FakeAuthServer.CAUGHT_UP);
        await(() -> accepts(token));
        await(goptri::isReady);
        long sent = System.nanoTime();
        stream.send(FakeAuthServer.revoked("session", Tokens.SESSION, 1));
        await(() -> !accepts(token));
        assertThat(Duration.ofNanos(System.nanoTime() - sent)).isLessThan(Duration.ofMillis(500));
        assertThat(isUnavailable(token)).isFalse();
    }

    @Test
    void each_kind_of_entry_revokes_what_it_names() throws Exception {
        follow();
        long now = System.currentTimeMillis() / 1000;
        String token = Tokens.sign(Tokens.header(), Tokens.json(Tokens.claims(now)));
        FakeAuthServer.Stream stream = server.nextStream();
        stream.start(FakeAuthServer.CAUGHT_UP + FakeAuthServer.revoked("client", "goptri", now - 1)
            + FakeAuthServer.revoked("session", Tokens.TOKEN, now)
            + FakeAuthServer.revoked("token", Tokens.SESSION, now)
            + FakeAuthServer.event("revocations", "{\"entries\":[{\"kind\":\"planet\"},7,{\"kind\":\"token\"},"
            + "{\"kind\":\"token\",\"subject\":\"z\",\"revoked_at\":-1,\"expires_in\":9},"
            + "{\"kind\":\"token\",\"subject\":\"z\",\"revoked_at\":1,\"expires_in\":1.5},"
            + "{\"kind\":\"token\",\"subject\":\"x\",\"revoked_at\":1,\"expires_in\":9}]}"));
        await(() -> goptri.revocations().size() == 4);
        assertThat(accepts(token)).isTrue();
        stream.send(FakeAuthServer.revoked("client", "goptri", now));
        await(() -> !accepts(token));
        // An older revocation of the client does not undo the later one.
        stream.send(FakeAuthServer.revoked("client", "goptri", now - 1) + FakeAuthServer.revoked("token", "y", 1));
        await(() -> goptri.revocations().size() == 5);
        assertThat(accepts(token)).isFalse();
        later.set(7_500_000);
        assertThat(accepts(token)).as("before its deadline, rounded up").isFalse();
        later.set(7_502_000);
        assertThat(accepts(token)).as("after its deadline").isTrue();
    }

    @Test
    void a_stream_that_is_cut_within_an_event_is_opened_again() throws Exception {
        follow();
        String token = Tokens.valid();
        FakeAuthServer.Stream first = server.nextStream();
        String cut = FakeAuthServer.revoked("session", Tokens.SESSION, 1);
        first.start(FakeAuthServer.CAUGHT_UP + cut.substring(0, cut.length() - 1));
        await(() -> accepts(token));
        first.close();
        FakeAuthServer.Stream second = server.nextStream();
        assertThat(accepts(token)).as("an incomplete event counts for nothing").isTrue();
        second.start(cut + FakeAuthServer.CAUGHT_UP);
        await(() -> !accepts(token));
        second.close();
        server.nextStream();
        assertThat(accepts(token)).as("entries outlive their connection").isFalse();
    }

    @Test
    void a_wrong_secret_is_logged_by_name_and_tried_again(CapturedOutput output) throws Exception {
        follow();
        for (int i = 0; i < 3; i++) {
            FakeAuthServer.Stream stream = server.nextStream();
            stream.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.close();
        }
        server.nextStream().start(FakeAuthServer.CAUGHT_UP);
        await(() -> accepts(Tokens.valid()));
        assertThat(output.getAll()).containsOnlyOnce("it answers 401; is FEED_SECRET right?");
        assertThat(output.getAll()).doesNotContain(Tokens.FEED_SECRET).doesNotContain(Tokens.SECRET);
    }

    @Test
    void a_problem_is_logged_again_after_it_was_over(CapturedOutput output) throws Exception {
        follow();
        for (int outages = 1; outages <= 2; outages++) {
            FakeAuthServer.Stream stream = server.nextStream();
            stream.start(FakeAuthServer.CAUGHT_UP);
            int connections = outages;
            await(() -> output.getAll().split("connected to the revocation feed", -1).length == connections + 1);
            stream.close();
        }
        server.nextStream();
        assertThat(output.getAll().split("the revocation feed is disconnected", -1)).hasSize(3);
    }

    @Test
    void a_redirect_is_not_followed() throws Exception {
        follow();
        FakeAuthServer.Stream stream = server.nextStream();
        stream.send("HTTP/1.1 307 Temporary Redirect\r\nLocation: " + server.url() + "/revocations?x\r\n"
            + "Content-Length: 0\r\nConnection: close\r\n\r\n");
        stream.close();
        assertThat(server.nextStream().headers()).containsKey("Authorization");
        assertThat(server.keyFetches.get()).isEqualTo(1);
    }

    @Test
    void an_unreachable_auth_server_delays_tokens_for_the_catch_up_time_only() throws Exception {
        server.close();
        follow("REVOCATION_MAX_STALENESS", "10s");
        String token = Tokens.valid();
        assertThat(isUnavailable(token)).isTrue();
        later.set(9_000);
        assertThat(isUnavailable(token)).isTrue();
        later.set(10_000);
        assertThat(accepts(token)).isTrue();
        assertThat(goptri.isReady()).isTrue();
    }

    @Test
    void a_stale_set_accepts_or_refuses() throws Exception {
        follow("REVOCATION_MAX_STALENESS", "10s", "ON_STALE", "refuse");
        String token = Tokens.valid();
        FakeAuthServer.Stream stream = server.nextStream();
        stream.start(FakeAuthServer.CAUGHT_UP);
        await(() -> accepts(token));
        later.set(12_000);
        assertThat(isUnavailable(token)).isTrue();
        assertThat(goptri.isReady()).isFalse();
        assertThat(isUnavailable(Tokens.sign(Tokens.header(), "{}"))).as("503 is for valid tokens only").isFalse();
        stream.send(FakeAuthServer.event("heartbeat", "{\"age_ms\":0,\"uptime_ms\":13000}"));
        await(() -> accepts(token));
        goptri.close();
        follow("REVOCATION_MAX_STALENESS", "10s", "ON_STALE", "allow");
        server.nextStream().start(FakeAuthServer.CAUGHT_UP);
        await(() -> accepts(token));
        later.addAndGet(100_000);
        assertThat(accepts(token)).isTrue();
        assertThat(goptri.revocations().isStale()).isTrue();
    }

    @Test
    void time_in_a_buffer_counts_as_age() throws Exception {
        follow();
        FakeAuthServer.Stream stream = server.nextStream();
        stream.start(FakeAuthServer.CAUGHT_UP);
        await(() -> age() < 60_000);
        later.set(14_000);
        // It was sent five seconds after the first one, and arrives after fourteen.
        stream.send(FakeAuthServer.event("heartbeat", "{\"age_ms\":300,\"uptime_ms\":6000}"));
        await(() -> age() < 12_000);
        assertThat(age()).isBetween(9_200L, 10_500L);
    }

    @Test
    void a_silent_connection_is_closed(CapturedOutput output) throws Exception {
        follow();
        FakeAuthServer.Stream stream = server.nextStream();
        stream.start(FakeAuthServer.CAUGHT_UP);
        await(() -> age() < 60_000);
        later.set(16_000);
        server.nextStream();
        assertThat(output.getAll()).contains("the revocation feed is disconnected: no data for too long");
    }

    @Test
    void a_connection_without_a_first_event_is_closed() throws Exception {
        follow();
        server.nextStream().start("");
        later.set(59_000);
        assertThat(server.streams.poll(500, TimeUnit.MILLISECONDS)).isNull();
        later.set(61_000);
        server.nextStream();
    }

    @Test
    void an_event_that_is_too_long_ends_the_connection() throws Exception {
        follow();
        FakeAuthServer.Stream stream = server.nextStream();
        stream.start(FakeAuthServer.event("a later version", "x".repeat(1_000_000)) + FakeAuthServer.CAUGHT_UP);
        await(() -> age() < 60_000);
        stream.send("data: " + "x".repeat(1_100_000));
        server.nextStream().start(FakeAuthServer.CAUGHT_UP);
        await(() -> accepts(Tokens.valid()));
    }

    @Test
    void a_service_that_stops_closes_its_connection() throws Exception {
        follow();
        FakeAuthServer.Stream stream = server.nextStream();
        stream.start(FakeAuthServer.CAUGHT_UP);
        await(() -> age() < 60_000);
        goptri.close();
        stream.socket().setSoTimeout(10_000);
        assertThat(stream.socket().getInputStream().read()).isEqualTo(-1);
    }

    @Test
    void a_service_may_stop_while_it_connects() {
        for (int i = 0; i < 100; i++) {
            follow();
            LockSupport.parkNanos(i * 50_000L); // so that it stops at another moment each time
            goptri.close();
        }
    }

    @Test
    void data_after_a_suspension_is_not_used() throws Exception {
        follow();
        FakeAuthServer.Stream stream = server.nextStream();
        stream.start(FakeAuthServer.CAUGHT_UP);
        await(() -> age() < 60_000);
        later.set(60_000);
        stream.send(FakeAuthServer.revoked("session", Tokens.SESSION, 1));
        server.nextStream();
        assertThat(goptri.revocations().size()).isZero();
        assertThat(age()).isGreaterThan(59_000);
    }

    @Test
    void the_clock_advances_and_does_not_jump_while_it_cannot_be_read(@TempDir Path folder) throws Exception {
        LongSupplier real = Goptri.elapsedMillis(Path.of("/proc/uptime"));
        long start = real.getAsLong();
        Thread.sleep(50);
        assertThat(real.getAsLong() - start).isBetween(30L, 10_000L);
        for (String uptime : List.of("5.25 9.75", "5000000000.25 9.75")) {
            Path file = Files.writeString(folder.resolve("uptime"), uptime);
            LongSupplier clock = Goptri.elapsedMillis(file);
            long last = clock.getAsLong();
            assertThat(last).isEqualTo(uptime.startsWith("5.") ? 5_250 : 5_000_000_000_250L);
            Files.delete(file);
            assertThat(clock.getAsLong() - last).isBetween(0L, 10_000L);
        }
    }

    @Test
    void chunks_may_end_anywhere() throws Exception {
        follow();
        FakeAuthServer.Stream stream = server.nextStream();
        stream.start("");
        String events = FakeAuthServer.CAUGHT_UP + FakeAuthServer.revoked("token", "\u00e9\ud83d\ude00", 1);
        for (byte each : events.replace("\n", "\r\n").getBytes(StandardCharsets.UTF_8)) {
            stream.socket().getOutputStream().write(each);
        }
        await(() -> goptri.revocations().size() == 1);
        Map<String, Object> claims = Tokens.claims(System.currentTimeMillis() / 1000);
        claims.put("jti", "\u00e9\ud83d\ude00");
        assertThat(accepts(Tokens.sign(Tokens.header(), Tokens.json(claims)))).isFalse();
    }

    @Test
    void a_malformed_event_ends_the_connection() throws Exception {
        follow();
        for (String event : List.of(FakeAuthServer.event("caught-up", "{}"), FakeAuthServer.event("revocations", "{}"),
            FakeAuthServer.event("heartbeat", "{\"age_ms\":-1,\"uptime_ms\":1}"),
            FakeAuthServer.event("revocations", "x"))) {
            server.nextStream().start(event);
        }
        server.nextStream().start(FakeAuthServer.event("a later version", "x") + FakeAuthServer.CAUGHT_UP);
        await(() -> accepts(Tokens.valid()));
    }

    @Test
    void a_keys_event_fetches_the_keys_again() throws Exception {
        ECKey key = new ECKeyGenerator(Curve.P_256).keyIDFromThumbprint(true).generate();
        follow();
        FakeAuthServer.Stream stream = server.nextStream();
        stream.start(FakeAuthServer.CAUGHT_UP);
        await(() -> accepts(Tokens.valid()) && goptri.isReady());
        String token = es256(key);
        assertThatThrownBy(() -> decoder.decode(token)).hasMessageContaining("kid");
        server.jwks = jwks(key);
        stream.send(FakeAuthServer.event("keys", "{}"));
        await(() -> accepts(token));
        server.jwks = jwks(key).replace("\"P-256\"", "\"P-384\""); // a set without usable keys
        int fetches = server.keyFetches.get();
        stream.send(FakeAuthServer.event("keys", "{}"));
        await(() -> server.keyFetches.get() >= fetches + 2);
        assertThat(accepts(token)).isTrue();
        server.jwks = "{\"keys\":[]}";
        stream.send(FakeAuthServer.event("keys", "{}"));
        await(() -> !accepts(token));
    }

    @Test
    void caught_up_and_each_keys_event_fetch_the_keys_again() throws Exception {
        follow();
        FakeAuthServer.Stream stream = server.nextStream();
        await(() -> server.keyFetches.get() >= 6); // the pauses double; the next one is longer than 5 s
        for (String event : List.of(FakeAuthServer.CAUGHT_UP, FakeAuthServer.event("keys", "{}"))) {
            int fetches = server.keyFetches.get();
            if (event.equals(FakeAuthServer.CAUGHT_UP)) {
                stream.start(event);
            } else {
                stream.send(event);
            }
            long sent = System.nanoTime();
            await(() -> server.keyFetches.get() >= fetches + 3);
            assertThat(Duration.ofNanos(System.nanoTime() - sent)).isLessThan(Duration.ofSeconds(3));
        }
    }

    @Test
    void an_unknown_key_fetches_the_keys_again_but_not_often() throws Exception {
        ECKey key = new ECKeyGenerator(Curve.P_256).keyIDFromThumbprint(true).generate();
        String token = es256(key);
        AtomicLong now = new AtomicLong();
        VerifyingKeys keys = new VerifyingKeys(new AuthServer(Tokens.settings("AUTH_SERVER_URL", server.url()),
            Runnable::run), now::get);
        decoder = new GoptriJwtDecoder(Tokens.settings(), Clock.systemUTC(), keys,
            each -> OAuth2TokenValidatorResult.success());
        for (int fetches = 1; fetches <= 7; fetches++) {
            String kid = "key " + fetches;
            server.jwks = jwks(new ECKey.Builder(key).keyID(kid).build());
            keys.tick();
            await(() -> knows(keys, kid));
            now.addAndGet(fetches == 7 ? 0 : 6_400); // the next pause is 12.8 s
        }
        server.jwks = jwks(key);
        assertThat(accepts(token)).isFalse();
        now.addAndGet(9_900);
        keys.tick();
        assertThat(server.keyFetches.get()).as("before the ten seconds").isEqualTo(7);
        now.addAndGet(100);
        keys.tick();
        await(() -> accepts(token));
        assertThat(server.keyFetches.get()).isEqualTo(8);
    }

    private static boolean knows(VerifyingKeys keys, String kid) {
        try {
            return keys.find(kid) != null;
        } catch (BadJwtException unknown) {
            return false;
        }
    }

    private static String jwks(ECKey key) {
        return "{\"keys\":[" + key.toPublicJWK().toJSONString() + "]}";
    }

    private static String es256(ECKey key) throws JOSEException {
        String input = Tokens.base64url(
            ("{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"" + key.getKeyID() + "\"}").getBytes()) + "."
            + Tokens.base64url(Tokens.json(Tokens.claims(System.currentTimeMillis() / 1000)).getBytes());
        Base64URL signature = new ECDSASigner(key).sign(new JWSHeader(JWSAlgorithm.ES256), input.getBytes());
        return input + "." + signature;
    }
}
