package io.github.goptri.spring;

import java.time.Instant;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

import com.fasterxml.jackson.databind.JsonNode;
import org.springframework.security.oauth2.core.OAuth2Error;
import org.springframework.security.oauth2.core.OAuth2ErrorCodes;
import org.springframework.security.oauth2.core.OAuth2TokenValidator;
import org.springframework.security.oauth2.core.OAuth2TokenValidatorResult;
import org.springframework.security.oauth2.jwt.Jwt;

/**
 * The known revocations, and their age. Rejects revoked tokens and, while the set is not ready, all others with the
 * code {@code temporarily_unavailable}.
 */
public final class Revocations implements OAuth2TokenValidator<Jwt> {
    /** About 200 MB. More revocations than this must be a mistake. */
    private static final int MAX_ENTRIES = 1_000_000;
    private static final long MAX_CATCH_UP_TIME = 60_000;
    private static final long NEVER = Long.MIN_VALUE / 2;
    private static final Set<String> KINDS = Set.of("session", "token", "client");

    private record Entry(long deadline, long revokedAt) {
        Entry latest(Entry other) {
            return new Entry(Math.max(deadline, other.deadline), Math.max(revokedAt, other.revokedAt));
        }
    }

    private final ConcurrentHashMap<String, Entry> entries = new ConcurrentHashMap<>();
    private final GoptriSettings settings;
    private final LongSupplier clock;
    private final long created;
    private volatile long knownAsOf = NEVER;

    /** {@code clock} returns milliseconds, and is never set. */
    Revocations(GoptriSettings settings, LongSupplier clock) {
        this.settings = settings;
        this.clock = clock;
        this.created = clock.getAsLong();
    }

    /**
     * Adds an entry of the feed. A duplicate extends the known one.
     *
     * @return false if the entry cannot be read; it is then skipped
     * @throws IllegalStateException if the set is full and, from now on, incomplete
     */
    boolean add(JsonNode entry) {
        String kind = entry.path("kind").asText();
        String subject = entry.path("subject").textValue();
        JsonNode revokedAt = entry.path("revoked_at");
        JsonNode expiresIn = entry.path("expires_in");
        if (!KINDS.contains(kind) || subject == null || !isTime(revokedAt) || !isTime(expiresIn)) {
            return false;
        }
        if (entries.size() >= MAX_ENTRIES) {
            throw new IllegalStateException("there are more than " + MAX_ENTRIES + " revocations");
        }
        long deadline = clock.getAsLong() + (expiresIn.longValue() + 1) * 1000;
        entries.merge(kind + " " + subject, new Entry(deadline, revokedAt.longValue()), Entry::latest);
        return true;
    }

    /** Whether it is an integer of no more than a few decades in milliseconds, and not negative. */
    static boolean isTime(JsonNode node) {
        return node.isIntegralNumber() && node.canConvertToLong() && node.longValue() >> 40 == 0;
    }

    /** Every revocation up to this moment is known. The moment never moves back. */
    void setKnownAsOf(long moment) {
        knownAsOf = Math.max(knownAsOf, moment);
    }

    /** Removes expired entries. */
    void sweep() {
        long now = clock.getAsLong();
        entries.values().removeIf(entry -> entry.deadline <= now);
    }

    /** The number of revocations. */
    public int size() {
        return entries.size();
    }

    /** Milliseconds since every revocation was known. */
    long age() {
        return clock.getAsLong() - knownAsOf;
    }

    /** Whether the age is above the limit. */
    public boolean isStale() {
        return age() > settings.maxStaleness().toMillis();
    }

    /** Whether the set is so new that it may still become complete in time. */
    boolean isNew() {
        return clock.getAsLong() - created < Math.min(settings.maxStaleness().toMillis(), MAX_CATCH_UP_TIME);
    }

    /** Whether valid tokens are accepted. */
    boolean isReady() {
        return !(settings.refuseWhenStale() && isStale()) && !(knownAsOf == NEVER && isNew());
    }

    @Override
    public OAuth2TokenValidatorResult validate(Jwt token) {
        Instant always = Instant.MIN;
        if (isLive("session", token.getClaimAsString("sid"), always) || isLive("token", token.getId(), always)
            || isLive("client", token.getClaimAsString("client_id"), token.getClaimAsInstant("iat"))) {
            return failure(OAuth2ErrorCodes.INVALID_TOKEN, "its session, the token itself or its client was revoked");
        }
        return isReady() ? OAuth2TokenValidatorResult.success()
            : failure(OAuth2ErrorCodes.TEMPORARILY_UNAVAILABLE, "the revocations are not known yet, or stale");
    }

    private static OAuth2TokenValidatorResult failure(String code, String reason) {
        return OAuth2TokenValidatorResult.failure(new OAuth2Error(code, reason, null));
    }

    private boolean isLive(String kind, String subject, Instant issuedAt) {
        Entry entry = subject == null ? null : entries.get(kind + " " + subject);
        return entry != null && clock.getAsLong() < entry.deadline && issuedAt.getEpochSecond() <= entry.revokedAt;
    }
}
