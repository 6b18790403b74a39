package io.github.goptri.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;

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
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

import io.github.goptri.spring.ProtocolError.Rejection;

@Timeout(30)
@ExtendWith(OutputCaptureExtension.class)
class FeedTest {
    private final AtomicLong later = new AtomicLong();
    private FakeAuthServer server;
    private Goptri goptri;

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

    private void follow(Duration maxSilence, String... more) {
        String[] variables = List.of("AUTH_SERVER_URL", server.url(), "FEED_SECRET", Tokens.FEED_SECRET).toArray(
            new String[4 + more.length]);
        System.arraycopy(more, 0, variables, 4, more.length);
        goptri = new Goptri(Tokens.settings(variables), Clock.systemUTC(), this::millis, maxSilence);
    }

    private void follow(String... more) {
        follow(Duration.ofSeconds(15), more);
    }

    private long millis() {
        return System.nanoTime() / 1_000_000 + later.get();
    }

    private boolean accepts(String token) {
        try {
            return goptri.verify(token) != null;
        } catch (Rejection rejected) {
            return false;
        }
    }

    private boolean isUnavailable(String token) {
        try {
            goptri.verify(token);
            return false;
        } catch (Rejection rejected) {
            return rejected.error == ProtocolError.TEMPORARILY_UNAVAILABLE;
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
            + "{\"kind\":\"token\",\"subject\":\"z\",\"revoked_at\":\"1\",\"expires_in\":9},"
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
        first.start(FakeAuthServer.CAUGHT_UP + cut.substring(0, cut.length() - 3));
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
        assertThat(output.getAll()).containsOnlyOnce("rejects the first secret in FEED_SECRET (401)");
        assertThat(output.getAll()).doesNotContain(Tokens.FEED_SECRET).doesNotContain(Tokens.SECRET);
    }

    @Test
    void a_redirect_is_not_followed() throws Exception {
        follow();
        FakeAuthServer.Stream stream = server.nextStream();
        stream.send("HTTP/1.1 307 Temporary Redirect\r\nLocation: " + server.url() + "/revocations?x\r\n"
            + "Content-Length: 0\r\nConnection: close\r\n\r\n");
        stream.close();
        assertThat(server.nextStream().headers()).containsKey("Authorization");
        assertThat(server.otherRequests.get()).isZero();
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
        assertThat(goptri.revocations().age()).isGreaterThan(90_000);
    }

    @Test
    void time_in_a_buffer_counts_as_age() throws Exception {
        follow();
        FakeAuthServer.Stream stream = server.nextStream();
        stream.start(FakeAuthServer.CAUGHT_UP);
        await(() -> !goptri.revocations().isCatchingUp());
        later.set(14_000);
        // It was sent five seconds after the first one, and arrives after fourteen.
        stream.send(FakeAuthServer.event("heartbeat", "{\"age_ms\":300,\"uptime_ms\":6000}"));
        await(() -> goptri.revocations().age() < 12_000);
        assertThat(goptri.revocations().age()).isBetween(9_200L, 10_500L);
    }

    @Test
    void a_silent_connection_is_closed(CapturedOutput output) throws Exception {
        follow(Duration.ofMillis(100));
        FakeAuthServer.Stream stream = server.nextStream();
        stream.start(FakeAuthServer.CAUGHT_UP);
        server.nextStream();
        assertThat(output.getAll()).contains("disconnected from the revocation feed");
    }

    @Test
    void data_after_a_suspension_is_not_used() throws Exception {
        follow();
        FakeAuthServer.Stream stream = server.nextStream();
        stream.start(FakeAuthServer.CAUGHT_UP);
        await(() -> !goptri.revocations().isCatchingUp());
        later.set(60_000);
        stream.send(FakeAuthServer.revoked("session", Tokens.SESSION, 1));
        server.nextStream();
        assertThat(goptri.revocations().size()).isZero();
        assertThat(goptri.revocations().age()).isGreaterThan(59_000);
    }

    @Test
    void a_connection_is_given_up_if_it_was_suspended_before_it_has_caught_up() throws Exception {
        follow();
        FakeAuthServer.Stream stream = server.nextStream();
        stream.start(FakeAuthServer.event("heartbeat", "{\"age_ms\":0,\"uptime_ms\":1000}")
            + FakeAuthServer.revoked("token", "another", 1));
        await(() -> goptri.revocations().size() == 1);
        later.set(20_000);
        stream.send(FakeAuthServer.CAUGHT_UP);
        server.nextStream();
        assertThat(isUnavailable(Tokens.valid())).isTrue();
    }

    @Test
    void an_event_of_more_than_a_mebibyte_ends_the_connection() throws Exception {
        follow();
        for (String text : List.of("x".repeat(1_100_000), "data: 1\n".repeat(1_100_000))) {
            FakeAuthServer.Stream stream = server.nextStream();
            assertThatCode(() -> stream.start("event: new\n" + text)).satisfiesAnyOf(
                none -> assertThat(none).isNull(), closed -> assertThat(closed).isInstanceOf(IOException.class));
        }
        server.nextStream();
    }

    @Test
    void a_suspension_counts_as_elapsed_time() {
        AtomicLong monotonic = new AtomicLong(5_000);
        AtomicLong wall = new AtomicLong(1_000_000);
        RevocationSet set = new RevocationSet(Tokens.settings(), monotonic::get, wall::get);
        monotonic.addAndGet(1_000);
        wall.addAndGet(1_001);
        assertThat(set.elapsedMillis()).isEqualTo(6_000);
        wall.addAndGet(3_600_000);
        assertThat(set.elapsedMillis()).as("suspended for an hour").isEqualTo(3_606_000);
        wall.addAndGet(-7_200_000);
        monotonic.addAndGet(10);
        assertThat(set.elapsedMillis()).as("the clock was set back").isEqualTo(3_606_010);
    }

    @Test
    void a_malformed_event_ends_the_connection() throws Exception {
        follow();
        for (String event : List.of(FakeAuthServer.event("caught-up", "{}"), FakeAuthServer.event("revocations", "{}"),
            FakeAuthServer.event("heartbeat", "{\"age_ms\":-1,\"uptime_ms\":1}"),
            FakeAuthServer.event("revocations", "x"))) {
            server.nextStream().start(event);
        }
        server.nextStream().start(FakeAuthServer.event("a later version", "7") + FakeAuthServer.CAUGHT_UP);
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
        assertThatThrownBy(() -> goptri.verify(token)).hasMessageContaining("kid");
        server.jwks = "{\"keys\":[" + key.toPublicJWK().toJSONString() + "]}";
        stream.send(FakeAuthServer.event("keys", "{}"));
        await(() -> accepts(token));
        server.jwks = "{\"keys\":[" + key.toJSONString() + "]}"; // a private key is rejected with its whole set
        int fetches = server.keyFetches.get();
        stream.send(FakeAuthServer.event("keys", "{}"));
        await(() -> server.keyFetches.get() >= fetches + 2);
        assertThat(accepts(token)).isTrue();
        server.jwks = "{\"keys\":[]}";
        stream.send(FakeAuthServer.event("keys", "{}"));
        await(() -> !accepts(token));
    }

    @Test
    void an_unknown_key_fetches_the_keys_again_but_not_often() throws Exception {
        ECKey key = new ECKeyGenerator(Curve.P_256).keyIDFromThumbprint(true).generate();
        String token = es256(key);
        follow();
        server.nextStream().start(FakeAuthServer.CAUGHT_UP);
        await(() -> accepts(Tokens.valid()));
        for (int i = 0; i < 20; i++) {
            later.addAndGet(300_000); // until the fetches after a change have become rare
            int before = server.keyFetches.get();
            await(() -> server.keyFetches.get() > before);
        }
        server.jwks = "{\"keys\":[" + key.toPublicJWK().toJSONString() + "]}";
        int fetches = server.keyFetches.get();
        assertThat(accepts(token)).isFalse();
        Thread.sleep(500);
        assertThat(server.keyFetches.get()).isEqualTo(fetches);
        later.addAndGet(10_000);
        await(() -> accepts(token));
        assertThat(server.keyFetches.get()).isEqualTo(fetches + 1);
    }

    private static String es256(ECKey key) throws JOSEException {
        String input = Tokens.base64url(
            ("{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"" + key.getKeyID() + "\"}").getBytes()) + "."
            + Tokens.base64url(Tokens.json(Tokens.claims(System.currentTimeMillis() / 1000)).getBytes());
        Base64URL signature = new ECDSASigner(key).sign(new JWSHeader(JWSAlgorithm.ES256), input.getBytes());
        return input + "." + signature;
    }
}
