package io.github.goptri.spring;

import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.security.oauth2.core.OAuth2TokenValidator;
import org.springframework.security.oauth2.jwt.Jwt;

/** Keys and revocations of auth-server, kept up to date in the background until it is closed. */
public final class Goptri implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Goptri.class);
    private static final long SWEEP_INTERVAL = 30_000;
    private static final long FILE_INTERVAL = 400;

    private final Supplier<GoptriSettings> source;
    private volatile GoptriSettings settings;
    private GoptriSettings lastRead;
    private String lastProblem = "";
    private final VerifyingKeys keys = new VerifyingKeys();
    private final RevocationSet revocations;
    private final AccessTokenValidator claims;
    private final AuthServer server;
    private final List<Thread> threads = new ArrayList<>();
    private final ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(1, task -> daemon("timer", task));
    private boolean wasStale;

    Goptri(Supplier<GoptriSettings> source, Clock clock) {
        this(source, clock, Goptri::monotonicMillis,
            new ElapsedTime(Goptri::monotonicMillis, System::currentTimeMillis), FeedFollower.Timeouts.DEFAULT);
    }

    /** {@code source} reads the settings again, to find changed secrets. */
    Goptri(Supplier<GoptriSettings> source, Clock clock, LongSupplier monotonicMillis, LongSupplier elapsedMillis,
           FeedFollower.Timeouts timeouts) {
        this.source = source;
        this.settings = source.get();
        this.lastRead = settings;
        boolean hasFeed = !settings.feedSecrets().isEmpty();
        claims = new AccessTokenValidator(settings, clock);
        revocations = hasFeed ? new RevocationSet(settings, monotonicMillis, elapsedMillis) : null;
        keys.setSecrets(settings.accessSecrets());
        timer.setRemoveOnCancelPolicy(true);
        server = new AuthServer(settings, timer);
        KeyRefresher refresher = new KeyRefresher(server, keys);
        threads.add(daemon("keys", refresher));
        if (hasFeed) {
            threads.add(daemon("feed", new FeedFollower(server, () -> this.settings.feedSecrets().get(0), revocations,
                refresher::keysChanged, elapsedMillis, timeouts)));
            timer.scheduleWithFixedDelay(revocations::sweep, SWEEP_INTERVAL, SWEEP_INTERVAL, TimeUnit.MILLISECONDS);
        } else {
            LOG.warn("FEED_SECRET is not set: a sign-out takes effect here when the access token expires");
        }
        timer.scheduleWithFixedDelay(this::maintain, FILE_INTERVAL, FILE_INTERVAL, TimeUnit.MILLISECONDS);
        threads.forEach(Thread::start);
    }

    /** Decodes access tokens. {@code additional} validators see genuine tokens with valid claims. */
    GoptriJwtDecoder decoder(List<OAuth2TokenValidator<Jwt>> additional) {
        List<OAuth2TokenValidator<Jwt>> validators = new ArrayList<>(List.of(claims));
        validators.addAll(additional);
        if (revocations != null) {
            validators.add(revocations); // last, so that 503 is for tokens that are otherwise valid
        }
        return new GoptriJwtDecoder(keys, validators);
    }

    GoptriSettings settings() {
        return settings;
    }

    /** The revocations; empty without {@code FEED_SECRET}. */
    public Optional<RevocationSet> revocations() {
        return Optional.ofNullable(revocations);
    }

    /** Whether valid tokens are accepted. While it is false, the service should get no requests. */
    public boolean isReady() {
        boolean mayBeLate = revocations != null && !revocations.isWithinCatchUpTimeout() && !keys.isEmpty();
        return (keys.isComplete() || mayBeLate) && (revocations == null || revocations.problem().isEmpty());
    }

    private void maintain() {
        reload();
        boolean stale = revocations != null && revocations.age().isPresent() && revocations.isStale();
        if (stale != wasStale) {
            LOG.warn(stale ? "the revocation set is stale; ON_STALE decides" : "the revocation set is fresh again");
        }
        wasStale = stale;
    }

    /** Accepts changed secrets after two equal reads, so that a partial write is ignored. */
    private void reload() {
        try {
            GoptriSettings read = source.get();
            if (read.hasSecretsOf(lastRead) && !read.hasSecretsOf(settings)) {
                settings = read;
                keys.setSecrets(read.accessSecrets());
                LOG.info("the secrets have changed");
            }
            lastRead = read;
            lastProblem = "";
        } catch (GoptriSettings.InvalidException invalid) {
            if (!invalid.getMessage().equals(lastProblem)) {
                LOG.error("the previous secrets stay in use: {}", invalid.getMessage());
            }
            lastProblem = invalid.getMessage();
        }
    }

    @Override
    public void close() {
        server.close();
        threads.forEach(Thread::interrupt);
    }

    private static Thread daemon(String name, Runnable task) {
        Thread thread = new Thread(task, "goptri-" + name);
        thread.setDaemon(true);
        return thread;
    }

    private static long monotonicMillis() {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime());
    }

    /** Monotonic time that also counts suspensions, unlike {@link System#nanoTime}: the time of day leaps then. */
    static final class ElapsedTime implements LongSupplier {
        private static final long LEAP = 100; // corrections of the clock are smaller

        private final LongSupplier monotonic;
        private final LongSupplier wall;
        private long suspended;
        private long offset;

        ElapsedTime(LongSupplier monotonic, LongSupplier wall) {
            this.monotonic = monotonic;
            this.wall = wall;
            this.offset = wall.getAsLong() - monotonic.getAsLong();
        }

        @Override
        public synchronized long getAsLong() {
            long now = monotonic.getAsLong();
            long leap = wall.getAsLong() - now - offset;
            suspended += leap > LEAP ? leap : 0;
            offset += leap;
            return now + suspended;
        }
    }
}
