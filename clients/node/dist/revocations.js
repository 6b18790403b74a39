import { uptime } from 'node:os';
import { MAX_SECONDS, TokenError } from './caller.js';
/**
 * Milliseconds on a clock that also runs while the machine is suspended. On Linux, `performance.now()` stops then, and
 * `os.uptime()` does not.
 */
export const monotonicClock = process.platform === 'linux' ? () => uptime() * 1000 : () => performance.now();
/** How long a new set may be incomplete. */
const CATCH_UP_TIMEOUT = 60_000;
const MAX_SUBJECT_BYTES = 8 * 1024;
const SWEPT_AT_ONCE = 10_000;
/** The known revocations, and their age. An entry is never removed before its deadline. */
export class Revocations {
    staleness;
    clock;
    maxEntries;
    #entries = new Map();
    #created;
    #sweep = this.#entries.entries();
    #knownAsOf;
    constructor(staleness, clock, maxEntries = 10_000_000) {
        this.staleness = staleness;
        this.clock = clock;
        this.maxEntries = maxEntries;
        this.#created = clock();
    }
    get size() {
        return this.#entries.size;
    }
    /** Adds entries of the feed. Returns whether all are readable. Throws if the set is full. */
    insert(entries) {
        // Once for all of them: on Linux, this clock takes longer than the rest.
        const now = this.clock();
        return entries.filter((entry) => !this.#insert(entry, now)).length === 0;
    }
    #insert(entry, now) {
        const { kind, subject, revoked_at: revokedAt, expires_in: expiresIn } = { ...entry };
        const isReadable = ['session', 'token', 'client'].includes(kind) &&
            typeof subject === 'string' &&
            Buffer.byteLength(subject) <= MAX_SUBJECT_BYTES &&
            typeof revokedAt === 'number' &&
            revokedAt >= 0 &&
            revokedAt <= MAX_SECONDS &&
            Number.isInteger(expiresIn) &&
            expiresIn >= 0;
        if (!isReadable)
            return false;
        if (expiresIn === 0)
            return true;
        const key = `${kind} ${subject}`;
        const known = this.#entries.get(key);
        const isFull = known === undefined && this.size >= this.maxEntries;
        if (isFull)
            throw new Error(`there are more than ${this.maxEntries} revocations`);
        const deadline = now + (expiresIn + 1) * 1000;
        this.#entries.set(key, {
            deadline: Math.max(deadline, known?.deadline ?? 0),
            revokedAt: Math.max(Math.trunc(revokedAt), known?.revokedAt ?? 0),
        });
        return true;
    }
    /** Records that every revocation up to `age` milliseconds ago is known. */
    knownAsOf(age) {
        this.#knownAsOf = Math.max(this.clock() - age, this.#knownAsOf ?? -Infinity);
    }
    /** Milliseconds since every revocation was known; infinite before the first time. */
    age() {
        return this.#knownAsOf === undefined ? Infinity : this.clock() - this.#knownAsOf;
    }
    isWithinCatchUpTimeout() {
        return this.clock() - this.#created < Math.min(this.staleness.maxStaleness, CATCH_UP_TIMEOUT);
    }
    /** Why valid tokens cannot be accepted, if they cannot. */
    notReady() {
        const refuse = this.staleness.onStale === 'refuse';
        if (this.#knownAsOf === undefined)
            return refuse || this.isWithinCatchUpTimeout() ? 'not_caught_up' : undefined;
        return refuse && this.age() > this.staleness.maxStaleness ? 'stale' : undefined;
    }
    /** Checks verified claims; last, so that a forged token costs no lookup. */
    check({ sid, jti, client_id, iat }) {
        const isRevoked = (key, issuedAt) => {
            const entry = this.#entries.get(key);
            return entry !== undefined && this.clock() < entry.deadline && issuedAt <= entry.revokedAt;
        };
        if (isRevoked(`session ${sid}`, 0) || isRevoked(`token ${jti}`, 0) || isRevoked(`client ${client_id}`, iat)) {
            throw new TokenError('revoked');
        }
        const notReady = this.notReady();
        if (notReady !== undefined)
            throw new TokenError(notReady);
    }
    /** Removes some of the expired entries. Call it regularly. */
    sweep() {
        const now = this.clock();
        for (let swept = 0; swept < SWEPT_AT_ONCE; swept += 1) {
            const { value, done } = this.#sweep.next();
            if (done) {
                this.#sweep = this.#entries.entries();
                return;
            }
            if (value[1].deadline <= now)
                this.#entries.delete(value[0]);
        }
    }
}
