package io.github.goptri.spring;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.util.Assert;

/** Follows the revocation feed on one thread, and reconnects forever. docs/feed.md specifies the feed. */
final class FeedFollower {
    private static final Logger LOG = LoggerFactory.getLogger(FeedFollower.class);
    private static final String PROBLEM = "the revocation feed is disconnected";
    private static final int MAX_EVENT_LENGTH = 1024 * 1024;
    private static final long FIRST_DATA_TIMEOUT = 60_000;
    private static final long NEXT_DATA_TIMEOUT = 15_000;
    private static final long MIN_BACKOFF = 100;
    private static final long MAX_BACKOFF = 1_500;
    private static final double DRIFT = 0.001; // the clocks may drift apart by one millisecond in a second

    private final AuthServer server;
    private final Supplier<String> secret;
    private final Revocations revocations;
    private final VerifyingKeys keys;
    private final LongSupplier clock;
    private Connection connection;
    private long connectAt = Long.MIN_VALUE;
    private long backoff = MIN_BACKOFF;

    FeedFollower(AuthServer server, Supplier<String> secret, Revocations revocations, VerifyingKeys keys,
                 LongSupplier clock) {
        this.server = server;
        this.secret = secret;
        this.revocations = revocations;
        this.keys = keys;
        this.clock = clock;
    }

    /** Connects when it is time, and ends a silent connection. */
    void tick() {
        if (connection != null && connection.isSilent()) {
            connection.end("no data for too long");
        } else if (connection == null && clock.getAsLong() >= connectAt) {
            connection = new Connection();
        }
    }

    /** Closes the connection, after the last tick. */
    void close() {
        if (connection != null) {
            connection.exchange.cancel(true);
        }
    }

    private final class Connection {
        /** Its characters are bytes, because a chunk may end within a character. */
        private final StringBuilder buffer = new StringBuilder();
        private final Future<?> exchange;
        private long arrival = clock.getAsLong();
        private long timeout = FIRST_DATA_TIMEOUT;
        private double leastOffset = Double.POSITIVE_INFINITY;
        private boolean caughtUp;

        Connection() {
            exchange = server.get("/revocations", this::onChunk, this::end, "Accept", "text/event-stream",
                "Authorization", "Bearer " + secret.get());
        }

        void end(String reason) {
            if (connection == this) {
                connection = null;
                connectAt = clock.getAsLong() + ThreadLocalRandom.current().nextLong(backoff / 2, backoff + 1);
                backoff = Math.min(backoff * 2, MAX_BACKOFF);
                server.report(PROBLEM, reason == null ? "it was closed" : reason);
                exchange.cancel(true);
            }
        }

        boolean isSilent() {
            return clock.getAsLong() - arrival > timeout;
        }

        private void onChunk(byte[] chunk) {
            // After a suspension, data is too old.
            if (exchange.isCancelled() || isSilent()) {
                return;
            }
            long now = clock.getAsLong();
            leastOffset += (now - arrival) * DRIFT;
            arrival = now;
            timeout = NEXT_DATA_TIMEOUT;
            buffer.append(new String(chunk, StandardCharsets.ISO_8859_1).replace("\r", ""));
            try {
                for (int end = buffer.indexOf("\n\n"); end >= 0; end = buffer.indexOf("\n\n")) {
                    String event = buffer.substring(0, end);
                    buffer.delete(0, end + 2);
                    onEvent(new String(event.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8));
                }
                Assert.isTrue(buffer.length() <= MAX_EVENT_LENGTH, "an event is too long");
            } catch (JsonProcessingException | RuntimeException malformed) {
                end("an event is malformed: " + malformed.getMessage());
            }
        }

        private void onEvent(String event) throws JsonProcessingException {
            String name = field("event:", event);
            String data = field("data:", event);
            switch (name) {
                case "revocations" -> StrictJson.MAPPER.readTree(data).required("entries").forEach(entry -> {
                    if (!revocations.add(entry)) {
                        server.report("a revocation is skipped", "this version cannot read it");
                    }
                });
                case "heartbeat", "caught-up" -> onHeartbeat(name, StrictJson.MAPPER.readTree(data));
                case "keys" -> keys.expectNewKeys();
                default -> { } // an event of a later version
            }
        }

        private void onHeartbeat(String name, JsonNode heartbeat) {
            JsonNode age = heartbeat.path("age_ms");
            JsonNode uptime = heartbeat.path("uptime_ms");
            Assert.isTrue(Revocations.isTime(age) && Revocations.isTime(uptime), name);
            // The time that a message spent in buffers shows in comparison with the fastest message.
            leastOffset = Math.min(leastOffset, arrival - uptime.longValue());
            if (name.equals("caught-up")) {
                caughtUp = true;
                server.report(PROBLEM, null);
                LOG.info("connected to the revocation feed: {} entries", revocations.size());
                keys.expectNewKeys(); // a `keys` event may have been missed
            } else if (caughtUp) {
                backoff = MIN_BACKOFF;
            }
            if (caughtUp) {
                revocations.setKnownAsOf((long) leastOffset + uptime.longValue() - age.longValue());
            }
        }
    }

    /** The value of a field; empty if the event has none of the name. */
    private static String field(String name, String event) {
        return event.lines().filter(line -> line.startsWith(name)).findFirst().orElse(name).substring(name.length())
            .strip();
    }
}
