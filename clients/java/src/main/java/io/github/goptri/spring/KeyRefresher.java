package io.github.goptri.spring;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Fetches the keys that auth-server publishes, in the background. The last good set stays in use during an outage. */
final class KeyRefresher implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(KeyRefresher.class);
    private static final String PATH = "/.well-known/jwks.json";
    private static final long INTERVAL = 300_000;
    private static final long FIRST_RETRY = 200;
    private static final long MAX_RETRY = 10_000;
    private static final long TIMEOUT = 10_000;
    private static final long UNKNOWN_KEY_COOLDOWN = 10_000;
    private static final long CHANGE_COOLDOWN = 100;

    private final AuthServer server;
    private final VerifyingKeys keys;
    private String failure = "";
    private String inUse = "";
    private boolean changed;
    private long wakeAt;
    private long started;

    KeyRefresher(AuthServer server, VerifyingKeys keys) {
        this(server, keys, UNKNOWN_KEY_COOLDOWN);
    }

    /** {@code unknownKeyCooldown}: any client can send tokens that name unknown keys. */
    KeyRefresher(AuthServer server, VerifyingKeys keys, long unknownKeyCooldown) {
        this.server = server;
        this.keys = keys;
        keys.onUnknownKey(() -> wake(false, unknownKeyCooldown));
    }

    /** Fetches soon, and again and again for a few minutes: not every auth-server may have the new keys yet. */
    void keysChanged() {
        wake(true, CHANGE_COOLDOWN);
    }

    private synchronized void wake(boolean reported, long cooldown) {
        changed |= reported;
        wakeAt = Math.min(wakeAt, started + cooldown);
        notifyAll();
    }

    @Override
    public void run() {
        long afterSuccess = INTERVAL;
        long afterFailure = FIRST_RETRY;
        try {
            while (!server.isClosed()) {
                synchronized (this) {
                    started = millis();
                    wakeAt = Long.MAX_VALUE;
                    changed = false;
                }
                long pause;
                try {
                    keys.setPublished(fetch());
                    fetched();
                    pause = afterSuccess;
                    afterSuccess = Math.min(pause * 2, INTERVAL);
                    afterFailure = FIRST_RETRY;
                } catch (IOException | RuntimeException | Error error) {
                    failed(error.getMessage() == null ? error.getClass().getSimpleName() : error.getMessage());
                    pause = afterFailure;
                    afterFailure = Math.min(pause * 2, MAX_RETRY);
                }
                if (pause(pause)) {
                    afterSuccess = FIRST_RETRY;
                }
            }
        } catch (InterruptedException stopped) {
            // The service stops.
        }
    }

    private byte[] fetch() throws IOException, InterruptedException {
        HttpResponse<InputStream> response = server.send(server.request(PATH, Duration.ofMillis(TIMEOUT))
            .header("Accept", "application/jwk-set+json, application/json")
            .header("Cache-Control", "no-cache").build());
        try (InputStream body = response.body()) {
            Future<?> timeout = server.closeAfter(TIMEOUT, body);
            if (response.statusCode() != 200) {
                throw new IOException("AUTH_SERVER_URL answers " + response.statusCode() + " instead of keys");
            }
            byte[] jwks = body.readNBytes(VerifyingKeys.MAX_JWKS_BYTES + 1);
            timeout.cancel(false);
            return jwks;
        }
    }

    private void fetched() {
        failure = "";
        if (keys.isEmpty()) {
            LOG.error("this service has no key: auth-server publishes none, and ACCESS_TOKEN_SECRET is not set");
        } else if (!keys.toString().equals(inUse)) {
            LOG.info("access tokens are verified with these keys: {}", keys);
        }
        inUse = keys.toString();
    }

    private void failed(String reason) {
        if (!server.isClosed() && !reason.equals(failure)) {
            LOG.warn("the keys of {} cannot be fetched; the last ones stay in use: {}", server.urlOf(PATH), reason);
        }
        failure = reason;
    }

    /** Waits, and returns whether a change of the keys was reported. */
    private synchronized boolean pause(long pause) throws InterruptedException {
        wakeAt = Math.min(wakeAt, millis() + pause);
        for (long left = wakeAt - millis(); left > 0; left = wakeAt - millis()) {
            wait(left);
        }
        return changed;
    }

    private static long millis() {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime());
    }
}
