package io.github.goptri.spring;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

import com.fasterxml.jackson.databind.JsonNode;
import org.springframework.util.Assert;

/** The known revocations and their age, on a monotonic clock: the time of day may be set. */
final class RevocationSet {
    private static final int MAX_ENTRIES = 1_000_000; // about 200 MB

    private static final long MAX_CATCH_UP = 60_000;
    private static final long MIN_SUSPENSION = 100; // corrections of the clock are smaller
    private static final long NEVER = Long.MIN_VALUE;

    private record Entry(long deadline, long revokedAt) {
        Entry latest(Entry other) {
            return new Entry(Math.max(deadline, other.deadline),
                Math.max(revokedAt, other.revokedAt));
        }
    }

    private final Map<String, Entry> entries = new ConcurrentHashMap<>();
    private final Settings settings;
    private final LongSupplier monotonicMillis;
    private final LongSupplier wallMillis;
    private final long created;
    private long suspended;
    private long wallOffset;
    private volatile long knownAsOf = NEVER;

    RevocationSet(Settings settings, LongSupplier monotonicMillis, LongSupplier wallMillis) {
        this.settings = settings;
        this.monotonicMillis = monotonicMillis;
        this.wallMillis = wallMillis;
        wallOffset = wallMillis.getAsLong() - monotonicMillis.getAsLong();
        created = elapsedMillis();
    }

    /** Monotonic time that also counts suspensions of the machine: the time of day leaps then. */
    synchronized long elapsedMillis() {
        long now = monotonicMillis.getAsLong();
        long leap = wallMillis.getAsLong() - now - wallOffset;
        suspended += leap > MIN_SUSPENSION ? leap : 0;
        wallOffset += leap;
        return now + suspended;
    }

    /** Adds an entry, or returns false if it cannot be read. Fails if the set is full. */
    boolean add(JsonNode entry) {
        JsonNode expiresIn = entry.path("expires_in");
        if (!entry.path("subject").isTextual() || !entry.path("revoked_at").canConvertToLong()
            || !expiresIn.isInt() || expiresIn.intValue() < 0) {
            return false;
        }
        Assert.state(entries.size() < MAX_ENTRIES, "there are too many revocations");
        long deadline = monotonicMillis.getAsLong() + (expiresIn.longValue() + 1) * 1000;
        entries.merge(entry.path("kind").asText() + " " + entry.get("subject").textValue(),
            new Entry(deadline, entry.get("revoked_at").longValue()), Entry::latest);
        return true;
    }

    /** Whether a revocation covers a token with these claims. */
    boolean revokes(JsonNode claims) {
        return isLive("session ", claims.path("sid"), 0) || isLive("token ", claims.get("jti"), 0)
            || isLive("client ", claims.get("client_id"), claims.get("iat").longValue());
    }

    private boolean isLive(String kind, JsonNode subject, long issuedAt) {
        Entry entry = entries.get(kind + subject.textValue());
        return entry != null && monotonicMillis.getAsLong() < entry.deadline
            && issuedAt <= entry.revokedAt;
    }

    void sweep() {
        long now = monotonicMillis.getAsLong();
        entries.values().removeIf(entry -> entry.deadline <= now);
    }

    /** Every revocation up to this moment is known. It never moves back. */
    void knownAsOf(long moment) {
        knownAsOf = Math.max(knownAsOf, moment);
    }

    long age() {
        return elapsedMillis() - knownAsOf;
    }

    /** Whether the set was never complete, and is not expected to be yet. */
    boolean isCatchingUp() {
        long limit = Math.min(settings.maxStaleness().toMillis(), MAX_CATCH_UP);
        return knownAsOf == NEVER && elapsedMillis() - created < limit;
    }

    /** Whether tokens that are not revoked may be accepted now. */
    boolean isUsable() {
        boolean isStale = knownAsOf == NEVER || age() > settings.maxStaleness().toMillis();
        return !isCatchingUp() && !(isStale && settings.refuseWhenStale());
    }

    int size() {
        return entries.size();
    }
}
