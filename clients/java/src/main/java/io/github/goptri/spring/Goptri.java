package io.github.goptri.spring;

import java.io.IOException;
import java.net.http.HttpClient;
import java.time.Clock;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.*;
import java.util.function.LongSupplier;

import com.fasterxml.jackson.databind.JsonNode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.core.ParameterizedTypeReference;
import org.springframework.http.MediaType;
import org.springframework.http.client.reactive.JdkClientHttpConnector;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.util.Assert;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/** Keeps keys and revocations up to date in the background; docs/feed.md describes the feed. */
public final class Goptri implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Goptri.class);
    private static final ParameterizedTypeReference<ServerSentEvent<JsonNode>> EVENT =
        new ParameterizedTypeReference<>() {};
    private static final int MAX_BYTES = 1024 * 1024;
    private static final Duration TIMEOUT = Duration.ofSeconds(15);
    private static final long FIRST_PAUSE = 200;
    private static final long MAX_PAUSE = 300_000;
    private static final long MAX_RETRY = 10_000;
    private static final long DRIFT = 1_000; // the clocks drift apart by 1 ms in this many

    private final Settings settings;
    private final LongSupplier monotonicMillis;
    private final Duration maxSilence;
    private final VerifyingKeys keys = new VerifyingKeys();
    private final RevocationSet revocations;
    private final AccessTokens tokens;
    private final WebClient http;
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final Disposable feed;
    private volatile String feedSecret;
    private final Set<String> logged = ConcurrentHashMap.newKeySet();

    private boolean caughtUp;
    private long leastOffset;
    private long lastEvent;
    private Duration limit;
    private long lastFetch;
    private long nextFetch;
    private long pause = FIRST_PAUSE;

    Goptri(Settings settings, Clock clock) {
        this(settings, clock, () -> TimeUnit.NANOSECONDS.toMillis(System.nanoTime()), TIMEOUT);
    }

    Goptri(Settings settings, Clock clock, LongSupplier monotonicMillis, Duration maxSilence) {
        this.settings = settings;
        this.monotonicMillis = monotonicMillis;
        this.maxSilence = maxSilence;
        revocations = new RevocationSet(settings, monotonicMillis, System::currentTimeMillis);
        tokens = new AccessTokens(settings, keys, revocations, clock);
        http = connect(settings);
        readSecrets();
        if (feedSecret == null) {
            LOG.warn("without FEED_SECRET, a sign-out takes effect when the access token expires");
            revocations.knownAsOf(Long.MAX_VALUE / 2);
        }
        feed = feedSecret == null ? () -> {} : follow().subscribe();
        nextFetch = monotonicMillis.getAsLong();
        timer.scheduleWithFixedDelay(this::fetchKeys, 0, 100, TimeUnit.MILLISECONDS);
        timer.scheduleWithFixedDelay(this::maintain, 1, 1, TimeUnit.SECONDS);
    }

    /** Redirects are not followed: no other server may get the secret or supply keys. */
    private static WebClient connect(Settings settings) {
        JdkClientHttpConnector connector = new JdkClientHttpConnector(HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1).connectTimeout(TIMEOUT)
            .sslContext(settings.authServerTls()).proxy(HttpClient.Builder.NO_PROXY).build());
        connector.setReadTimeout(TIMEOUT); // until the headers
        return WebClient.builder().clientConnector(connector).baseUrl(settings.authServerUrl())
            .codecs(codecs -> codecs.defaultCodecs().maxInMemorySize(MAX_BYTES)).build();
    }

    /** Returns the caller, or rejects the token. Makes no network call. */
    Caller verify(String token) {
        return tokens.verify(token);
    }

    /** Whether valid tokens are accepted. While it is false, the service should get no requests. */
    public boolean isReady() {
        boolean mayBeLate = feedSecret != null && !revocations.isCatchingUp() && !keys.areEmpty();
        return (keys.areComplete() || mayBeLate) && revocations.isUsable();
    }

    @Override
    public void close() {
        feed.dispose();
        timer.shutdownNow();
    }

    RevocationSet revocations() {
        return revocations;
    }

    private void readSecrets() {
        keys.setSecrets(settings.accessSecrets().get());
        feedSecret = settings.feedSecrets().get().stream().findFirst().orElse(null);
    }

    private void maintain() {
        revocations.sweep();
        try {
            readSecrets();
        } catch (RuntimeException problem) {
            warn("the secrets before stay in use", problem);
        }
    }

    private void fetchKeys() {
        long now = monotonicMillis.getAsLong();
        // Any client can send tokens that name an unknown key.
        if (now < nextFetch && !(keys.isKeyMissing && now >= lastFetch + MAX_RETRY)) {
            return;
        }
        lastFetch = now;
        keys.isKeyMissing = false;
        try {
            keys.setPublished(http.get().uri("/.well-known/jwks.json").retrieve()
                .bodyToMono(String.class).block(TIMEOUT));
        } catch (Exception problem) {
            warn("the keys of auth-server cannot be fetched; the last ones stay in use", problem);
            pause = Math.min(pause, MAX_RETRY);
        }
        nextFetch = now + pause;
        pause = Math.min(pause * 2, MAX_PAUSE);
    }

    /** Fetches at once, then again and again: not every auth-server may have the new keys yet. */
    private void onKeysChanged() {
        timer.execute(() -> {
            pause = FIRST_PAUSE;
            nextFetch = monotonicMillis.getAsLong();
        });
    }

    private Flux<?> follow() {
        return Flux.defer(this::openStream)
            .timeout(Mono.delay(maxSilence.multipliedBy(4)), event -> Mono.delay(maxSilence))
            .filter(this::apply) // what passes resets the back-off
            .concatWith(Mono.error(() -> new IOException("the connection was closed")))
            .doOnError(problem -> warn("disconnected from the revocation feed; retrying", problem))
            .retryWhen(Retry.backoff(Long.MAX_VALUE, Duration.ofMillis(100))
                .maxBackoff(Duration.ofMillis(1_500)).transientErrors(true));
    }

    private Flux<ServerSentEvent<JsonNode>> openStream() {
        caughtUp = false;
        leastOffset = Long.MAX_VALUE / 2;
        limit = maxSilence.multipliedBy(4);
        lastEvent = revocations.elapsedMillis();
        return http.get().uri("/revocations").accept(MediaType.TEXT_EVENT_STREAM)
            .headers(headers -> headers.setBearerAuth(feedSecret)).retrieve()
            .onStatus(status -> status.value() == 401, response -> Mono.error(
                new IOException("auth-server rejects the first secret in FEED_SECRET (401)")))
            .bodyToFlux(EVENT);
    }

    /** Applies an event, and returns whether it shows that the connection is stable. */
    private boolean apply(ServerSentEvent<JsonNode> event) {
        long now = revocations.elapsedMillis();
        long silence = now - lastEvent;
        // The timer does not run while the machine is suspended; data read afterwards is too old.
        Assert.state(silence <= limit.toMillis(), "no data for too long");
        limit = maxSilence;
        lastEvent = now;
        switch (String.valueOf(event.event())) {
            case "revocations" -> event.data().required("entries").forEach(this::add);
            case "heartbeat" -> measureAge(event.data(), now, silence);
            case "caught-up" -> {
                caughtUp = true;
                measureAge(event.data(), now, silence);
                LOG.info("connected to the revocation feed: {} entries", revocations.size());
                logged.clear();
                onKeysChanged(); // a `keys` event may have been missed
            }
            case "keys" -> onKeysChanged();
            default -> LOG.debug("ignored an event of a later version");
        }
        return caughtUp && "heartbeat".equals(event.event());
    }

    private void add(JsonNode entry) {
        if (!revocations.add(entry)) {
            LOG.error("skipped a revocation that this version cannot read");
        }
    }

    /** Adds to the stated age the delay of this message, compared with the fastest one. */
    private void measureAge(JsonNode message, long now, long silence) {
        long age = message.required("age_ms").longValue();
        long uptime = message.required("uptime_ms").longValue();
        Assert.isTrue(age >= 0 && uptime > 0, "an event is malformed");
        long offset = now - uptime;
        leastOffset = Math.min(offset, leastOffset + silence / DRIFT);
        if (caughtUp) {
            revocations.knownAsOf(now - age - (offset - leastOffset));
        }
    }

    private void warn(String consequence, Throwable error) {
        String problem = consequence + ": " + NestedExceptionUtils.getMostSpecificCause(error);
        if (!timer.isShutdown() && logged.add(problem)) {
            LOG.warn(problem);
        }
    }
}
