import { uptime } from 'node:os';
/** How long a new set may be incomplete, in milliseconds. */
export const CATCH_UP_TIMEOUT = 60_000;
/**
 * Milliseconds on a clock that also runs while the machine is suspended. On Linux,
 * `performance.now()` stops then, and `os.uptime()` does not.
 */
export const bootClock = process.platform === 'linux' ? () => uptime() * 1000 : () => performance.now();
/** The known revocations, and their age. An entry is never removed before its deadline. */
export class Revocations {
    #entries = new Map();
    #knownAsOf;
    #isCaughtUp = false;
    constructor(settings, clock, maxEntries = 10_000_000) {
        this.settings = settings;
        this.clock = clock;
        this.maxEntries = maxEntries;
        this.#knownAsOf = clock();
    }
    /** Adds an entry that arrived at `now`, if it is readable. Throws if the set is full. */
    insert(entry, now) {
        const { kind, subject, revoked_at, expires_in } = Object(entry);
        if (typeof subject !== 'string' || !Number.isFinite(revoked_at + expires_in))
            return false;
        const key = `${kind} ${subject}`;
        const known = this.#entries.get(key) ?? { deadline: 0, revokedAt: 0 };
        // Also moves a known entry to the end: the order is about that of the deadlines.
        this.#entries.delete(key);
        if (this.#entries.size >= this.maxEntries)
            throw new Error('the set of revocations is full');
        this.#entries.set(key, {
            deadline: Math.max(known.deadline, now + expires_in * 1000),
            revokedAt: Math.max(known.revokedAt, revoked_at),
        });
        return true;
    }
    /** Removes expired entries from the front. Call it regularly. */
    sweep() {
        const now = this.clock();
        for (const [key, { deadline }] of this.#entries) {
            if (deadline > now)
                return;
            this.#entries.delete(key);
        }
    }
    /** Records that every revocation up to `moment` is known. */
    setKnownAsOf(moment) {
        this.#knownAsOf = this.#isCaughtUp ? Math.max(this.#knownAsOf, moment) : moment;
        this.#isCaughtUp = true;
    }
    isStale() {
        const { maxStaleness } = this.settings;
        const limit = this.#isCaughtUp ? maxStaleness : Math.min(maxStaleness, CATCH_UP_TIMEOUT);
        return this.clock() - this.#knownAsOf > limit;
    }
    /** Why valid tokens cannot be accepted, if they cannot. */
    unavailability() {
        const isRefusing = this.settings.onStale === 'refuse';
        if (this.#isCaughtUp && !isRefusing)
            return undefined;
        if (this.isStale())
            return isRefusing ? 'stale' : undefined;
        return this.#isCaughtUp ? undefined : 'not_caught_up';
    }
    /** Whether the caller's session, token or client is revoked. */
    has({ claims }) {
        const client = this.#entries.get(`client ${claims.client_id}`);
        const isClientRevoked = client !== undefined && Math.trunc(claims.iat) <= client.revokedAt;
        const keys = [`session ${claims.sid}`, `token ${claims.jti}`];
        return isClientRevoked || keys.some((key) => this.#entries.has(key));
    }
}
