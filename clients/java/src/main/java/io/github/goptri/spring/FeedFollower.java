package io.github.goptri.spring;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Follows the revocation feed on a thread of its own, and reconnects forever. docs/feed.md specifies the feed. */
final class FeedFollower implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(FeedFollower.class);
    private static final String PATH = "/revocations";
    private static final long MIN_BACKOFF = 100;
    private static final long MAX_BACKOFF = 1_500;
    private static final long DRIFT = 1_000; // the clocks may drift apart by one millisecond in this many

    /** Limits of a connection: until the headers, the first data, and any further data. */
    record Timeouts(Duration response, long firstEvent, long nextEvent) {
        static final Timeouts DEFAULT = new Timeouts(Duration.ofSeconds(15), 60_000, 15_000);
    }

    private final AuthServer server;
    private final Supplier<String> secret;
    private final RevocationSet revocations;
    private final Runnable onKeysChanged;
    private final LongSupplier elapsedMillis;
    private final Timeouts timeouts;
    private final Set<String> logged = new HashSet<>();

    private boolean caughtUp;
    private boolean stable;
    private boolean measured;
    private long leastOffset;
    private long leastAt;

    FeedFollower(AuthServer server, Supplier<String> secret, RevocationSet revocations, Runnable onKeysChanged,
                 LongSupplier elapsedMillis, Timeouts timeouts) {
        this.server = server;
        this.secret = secret;
        this.revocations = revocations;
        this.onKeysChanged = onKeysChanged;
        this.elapsedMillis = elapsedMillis;
        this.timeouts = timeouts;
    }

    @Override
    public void run() {
        long backoff = MIN_BACKOFF;
        while (!server.isClosed()) {
            caughtUp = false;
            stable = false;
            measured = false;
            try {
                follow();
                lost("the connection was closed");
            } catch (InterruptedException stopped) {
                return;
            } catch (IOException | RuntimeException | Error error) {
                lost(error.getMessage() == null ? error.getClass().getSimpleName() : error.getMessage());
            }
            backoff = stable ? MIN_BACKOFF : backoff;
            try {
                Thread.sleep(ThreadLocalRandom.current().nextLong(backoff / 2, backoff + 1));
            } catch (InterruptedException stopped) {
                return;
            }
            backoff = Math.min(backoff * 2, MAX_BACKOFF);
        }
    }

    private void follow() throws IOException, InterruptedException {
        String presented = secret.get();
        if (!presented.chars().allMatch(c -> c > ' ' && c <= '~')) {
            // Java sends nothing else in headers, and its own message would quote the secret.
            throw new IOException("FEED_SECRET has characters other than ASCII, which cannot be sent");
        }
        HttpResponse<InputStream> response = server.send(server.request(PATH, timeouts.response)
            .header("Accept", "text/event-stream").header("Authorization", "Bearer " + presented).build());
        try (InputStream body = response.body()) {
            String type = response.headers().firstValue("Content-Type").orElse("").toLowerCase();
            if (response.statusCode() == 401) {
                throw new IOException("auth-server rejects the secret (401): the first secret in FEED_SECRET here must "
                    + "be one of those in auth-server's FEED_SECRET");
            }
            if (response.statusCode() != 200 || !type.startsWith("text/event-stream")) {
                throw new IOException("AUTH_SERVER_URL answers " + response.statusCode() + " instead of the feed");
            }
            EventParser parser = new EventParser();
            byte[] chunk = new byte[8 * 1024];
            long limit = timeouts.firstEvent;
            for (long last = elapsedMillis.getAsLong();; limit = timeouts.nextEvent) {
                Future<?> timeout = server.closeAfter(limit, body);
                int length = body.read(chunk);
                timeout.cancel(false);
                // The timer does not run while the machine is suspended; data read afterwards is too old.
                if (elapsedMillis.getAsLong() - last > limit) {
                    throw new IOException("no data for more than " + limit + " ms");
                }
                if (length < 0) {
                    return;
                }
                last = elapsedMillis.getAsLong();
                parser.feed(chunk, length, this::onEvent);
            }
        }
    }

    private void lost(String reason) {
        if (!server.isClosed() && logged.add(reason)) {
            LOG.warn("disconnected from the revocation feed {}; retrying: {}", server.urlOf(PATH), reason);
        }
    }

    private void onEvent(String event, String data) throws IOException {
        switch (event) {
            case "revocations" -> {
                JsonNode entries = parse(event, data).path("entries");
                require(entries.isArray(), event);
                for (JsonNode entry : entries) {
                    if (!revocations.add(entry) && logged.add("skipped")) {
                        LOG.error("skipped revocations that this version cannot read");
                    }
                }
            }
            case "caught-up" -> {
                caughtUp = true;
                known(event, data);
                logged.clear();
                LOG.info("connected to the revocation feed {}: {} entries", server.urlOf(PATH), revocations.size());
                onKeysChanged.run(); // a `keys` event may have been missed
            }
            case "heartbeat" -> {
                known(event, data);
                stable = caughtUp;
            }
            case "keys" -> onKeysChanged.run();
            default -> { } // an event of a later version
        }
    }

    /** Adds to the stated age the time that the message spent in buffers: its delay compared with the fastest one. */
    private void known(String event, String data) throws IOException {
        JsonNode heartbeat = parse(event, data);
        JsonNode age = heartbeat.path("age_ms");
        JsonNode uptime = heartbeat.path("uptime_ms");
        require(age.isIntegralNumber() && age.canConvertToLong() && age.longValue() >= 0, event);
        require(uptime.isIntegralNumber() && uptime.canConvertToLong() && uptime.longValue() >= 0, event);
        long now = elapsedMillis.getAsLong();
        long offset = now - uptime.longValue();
        long expected = measured ? leastOffset + (now - leastAt) / DRIFT : offset;
        if (offset <= expected) {
            leastOffset = offset;
            leastAt = now;
            measured = true;
        }
        if (caughtUp) {
            revocations.knownAsOf(now, age.longValue() + Math.max(0, offset - expected));
        }
    }

    private static JsonNode parse(String event, String data) throws IOException {
        try {
            return StrictJson.MAPPER.readTree(data);
        } catch (JsonProcessingException error) {
            throw malformed(event);
        }
    }

    private static void require(boolean condition, String event) throws IOException {
        if (!condition) {
            throw malformed(event);
        }
    }

    private static IOException malformed(String event) {
        return new IOException("the data of the event " + event + " is malformed");
    }
}
