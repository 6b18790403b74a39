package io.github.goptri.spring;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

import com.fasterxml.jackson.databind.JsonNode;
import org.springframework.security.oauth2.core.OAuth2Error;
import org.springframework.security.oauth2.core.OAuth2TokenValidator;
import org.springframework.security.oauth2.core.OAuth2TokenValidatorResult;
import org.springframework.security.oauth2.jwt.Jwt;

/**
 * The known revocations, and their age. Rejects revoked tokens and, while the set is not ready, all others with the
 * code {@code temporarily_unavailable}. Entries are kept on a monotonic clock, so the time of day may be set.
 */
public final class RevocationSet implements OAuth2TokenValidator<Jwt> {
    /** About 200 MB. More revocations than this must be a mistake. */
    private static final int MAX_ENTRIES = 1_000_000;
    private static final int MAX_SUBJECT_LENGTH = 8 * 1024;
    private static final long MAX_EXPIRES_IN = 1_000_000_000L;
    private static final long NEVER = Long.MIN_VALUE;

    private record Subject(String kind, String id) {}

    private record Entry(long deadline, long revokedAt) {
        Entry latest(Entry other) {
            return new Entry(Math.max(deadline, other.deadline), Math.max(revokedAt, other.revokedAt));
        }
    }

    private final ConcurrentHashMap<Subject, Entry> entries = new ConcurrentHashMap<>();
    private final AtomicLong knownAsOf = new AtomicLong(NEVER);
    private final Duration maxStaleness;
    private final boolean refuseWhenStale;
    private final LongSupplier monotonicMillis;
    private final LongSupplier elapsedMillis;
    private final long created;

    /** {@code elapsedMillis} also counts the time in which the machine is suspended, and measures the age. */
    RevocationSet(GoptriSettings settings, LongSupplier monotonicMillis, LongSupplier elapsedMillis) {
        this.maxStaleness = settings.maxStaleness();
        this.refuseWhenStale = settings.refuseWhenStale();
        this.monotonicMillis = monotonicMillis;
        this.elapsedMillis = elapsedMillis;
        this.created = elapsedMillis.getAsLong();
    }

    /**
     * Adds an entry of the feed. A duplicate extends the known one.
     *
     * @return false if the entry cannot be read; it is then skipped
     * @throws IllegalStateException if the set is full and, from now on, incomplete
     */
    boolean add(JsonNode entry) {
        String kind = entry.path("kind").asText();
        JsonNode subject = entry.path("subject");
        JsonNode expiresIn = entry.path("expires_in");
        boolean known = kind.equals("session") || kind.equals("token") || kind.equals("client");
        if (!known || !subject.isTextual() || subject.textValue().length() > MAX_SUBJECT_LENGTH
            || !expiresIn.isIntegralNumber() || expiresIn.doubleValue() < 0
            || !AccessToken.IS_TIME.test(entry.path("revoked_at"))) {
            return false;
        }
        if (entries.mappingCount() >= MAX_ENTRIES) {
            throw new IllegalStateException("there are more than " + MAX_ENTRIES + " revocations");
        }
        long seconds = (long) Math.min(expiresIn.doubleValue(), MAX_EXPIRES_IN);
        long deadline = monotonicMillis.getAsLong() + (seconds + 1) * 1000;
        Entry added = new Entry(deadline, (long) entry.get("revoked_at").doubleValue());
        entries.merge(new Subject(kind, subject.textValue()), added, Entry::latest);
        return true;
    }

    /** Every revocation up to {@code ageMillis} before {@code now} is known. The moment never moves back. */
    void knownAsOf(long now, long ageMillis) {
        knownAsOf.accumulateAndGet(now - ageMillis, Math::max);
    }

    void sweep() {
        long now = monotonicMillis.getAsLong();
        entries.values().removeIf(entry -> entry.deadline <= now);
    }

    /** The number of revocations; expired ones count until they are swept. */
    public long size() {
        return entries.mappingCount();
    }

    /** The time since every revocation was known; empty before the first time. */
    public Optional<Duration> age() {
        long known = knownAsOf.get();
        return known == NEVER ? Optional.empty() : Optional.of(Duration.ofMillis(elapsedMillis.getAsLong() - known));
    }

    /** Whether the set was never complete, or its age is above the limit. */
    public boolean isStale() {
        return age().map(age -> age.compareTo(maxStaleness) > 0).orElse(true);
    }

    /** Why no token is accepted now; empty if tokens are accepted. */
    Optional<String> problem() {
        if (knownAsOf.get() == NEVER) {
            boolean waits = refuseWhenStale || isWithinCatchUpTimeout();
            return waits ? Optional.of("not all revocations are known yet") : Optional.empty();
        }
        return refuseWhenStale && isStale() ? Optional.of("the revocation set is stale") : Optional.empty();
    }

    boolean isWithinCatchUpTimeout() {
        return elapsedMillis.getAsLong() - created < Math.min(maxStaleness.toMillis(), 60_000);
    }

    /** Whether a revocation covers this token. */
    public boolean revokes(Jwt token) {
        return isLive("session", token.getClaimAsString("sid"), null) || isLive("token", token.getId(), null)
            || isLive("client", token.getClaimAsString("client_id"), token.getClaimAsInstant("iat"));
    }

    private boolean isLive(String kind, String id, Instant issuedAt) {
        Entry entry = id == null || entries.isEmpty() ? null : entries.get(new Subject(kind, id));
        return entry != null && monotonicMillis.getAsLong() < entry.deadline
            && (issuedAt == null || issuedAt.getEpochSecond() <= entry.revokedAt);
    }

    @Override
    public OAuth2TokenValidatorResult validate(Jwt token) {
        if (revokes(token)) {
            return failure("invalid_token", "its session, the token itself or its client was revoked");
        }
        return problem().map(problem -> failure(GoptriJwtDecoder.UNAVAILABLE, problem))
            .orElseGet(OAuth2TokenValidatorResult::success);
    }

    private static OAuth2TokenValidatorResult failure(String code, String reason) {
        return OAuth2TokenValidatorResult.failure(new OAuth2Error(code, reason, null));
    }
}
