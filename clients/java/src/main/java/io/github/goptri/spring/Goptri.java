package io.github.goptri.spring;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.scheduling.concurrent.ThreadPoolTaskScheduler;
import org.springframework.security.oauth2.core.DelegatingOAuth2TokenValidator;
import org.springframework.security.oauth2.core.OAuth2TokenValidator;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtDecoder;

/** Keys and revocations of auth-server, kept up to date by one background thread until it is closed. */
public final class Goptri implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Goptri.class);

    private final Supplier<GoptriSettings> source;
    private volatile GoptriSettings settings;
    private GoptriSettings lastRead;
    private final Clock clock;
    private final ThreadPoolTaskScheduler thread = new ThreadPoolTaskScheduler();
    private final AuthServer server;
    private final VerifyingKeys keys;
    private final Revocations revocations;
    private final FeedFollower feed;
    private boolean wasStale;

    /**
     * {@code source} reads the settings again, to find changed secrets; {@code elapsedMillis} is a clock that is never
     * set.
     *
     * @throws IllegalStateException if the settings are invalid
     */
    Goptri(Supplier<GoptriSettings> source, Clock clock, LongSupplier elapsedMillis) {
        this.source = source;
        settings = source.get();
        lastRead = settings;
        this.clock = clock;
        thread.setThreadNamePrefix("goptri-");
        thread.setDaemon(true);
        thread.setAwaitTerminationSeconds(1);
        thread.initialize();
        server = new AuthServer(settings, thread);
        keys = new VerifyingKeys(server, elapsedMillis);
        keys.setSecrets(settings.accessSecrets());
        revocations = new Revocations(settings, elapsedMillis);
        feed = new FeedFollower(server, () -> settings.feedSecrets().get(0), revocations, keys, elapsedMillis);
        thread.scheduleWithFixedDelay(keys::tick, Duration.ofMillis(50));
        thread.scheduleWithFixedDelay(this::reload, Duration.ofMillis(400));
        thread.scheduleWithFixedDelay(this::logStaleness, Duration.ofMillis(400));
        thread.scheduleWithFixedDelay(revocations::sweep, Duration.ofSeconds(30));
        if (!settings.feedSecrets().isEmpty()) {
            thread.scheduleWithFixedDelay(feed::tick, Duration.ofMillis(50));
        } else {
            LOG.warn("FEED_SECRET is not set: a sign-out takes effect here when the access token expires");
            revocations.setKnownAsOf(Long.MAX_VALUE);
        }
    }

    /**
     * Milliseconds on a clock that, on Linux, also runs while the machine is suspended, unlike nanoTime. While the file
     * cannot be read, as with too many open files, it continues: in a container, nanoTime may be far ahead of the
     * uptime, and revocations would expire early.
     */
    static LongSupplier elapsedMillis(Path procUptime) {
        AtomicLong aheadOfNanoTime = new AtomicLong();
        return () -> {
            try {
                String text = Files.readString(procUptime);
                long uptime = (long) (Double.parseDouble(text.substring(0, text.indexOf(' '))) * 1000);
                aheadOfNanoTime.set(uptime - TimeUnit.NANOSECONDS.toMillis(System.nanoTime()));
                return uptime;
            } catch (IOException error) {
                return TimeUnit.NANOSECONDS.toMillis(System.nanoTime()) + aheadOfNanoTime.get();
            }
        };
    }

    /** Decodes access tokens. {@code additional} validators see genuine tokens with valid claims. */
    JwtDecoder decoder(List<OAuth2TokenValidator<Jwt>> additional) {
        List<OAuth2TokenValidator<Jwt>> validators = new ArrayList<>(additional);
        validators.add(revocations); // last, so that 503 is for tokens that are otherwise valid
        return new GoptriJwtDecoder(settings, clock, keys, new DelegatingOAuth2TokenValidator<>(validators));
    }

    GoptriSettings settings() {
        return settings;
    }

    /** The known revocations. Without {@code FEED_SECRET} there are none, and they are never stale. */
    public Revocations revocations() {
        return revocations;
    }

    /** Whether valid tokens are accepted. While it is false, the service should get no requests. */
    public boolean isReady() {
        // With a secret, published keys are awaited no longer than the feed.
        boolean mayLackKeys = !revocations.isNew() && !keys.isWithoutSecrets();
        return (keys.isComplete() || mayLackKeys) && revocations.isReady();
    }

    private void logStaleness() {
        boolean isStale = !revocations.isNew() && revocations.isStale();
        if (isStale != wasStale) {
            LOG.warn(isStale ? "the revocations are stale; ON_STALE decides" : "the revocations are fresh again");
        }
        wasStale = isStale;
    }

    /** Accepts changed secrets after two equal reads, so that a partial write is ignored. */
    private void reload() {
        try {
            GoptriSettings read = source.get();
            if (read.equals(lastRead) && !read.equals(settings)) {
                settings = read;
                keys.setSecrets(read.accessSecrets());
                LOG.info("the secrets have changed");
            }
            lastRead = read;
            server.report("the previous secrets stay in use", null);
        } catch (IllegalStateException invalid) {
            server.report("the previous secrets stay in use", invalid.getMessage());
        }
    }

    /** Ends the background thread and, when it no longer runs, the connection. */
    @Override
    public void close() {
        thread.shutdown();
        feed.close();
    }
}
