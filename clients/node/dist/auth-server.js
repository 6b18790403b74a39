import { setTimeout as sleep } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import { createLocalJWKSet } from 'jose';
import { Agent, request } from 'undici';
/** Milliseconds without any data after which a connection is closed. */
const TIMEOUT = 15_000;
const MAX_BACKOFF = 1_500;
const MAX_PAUSE = 30_000;
const MAX_PAUSE_IF_UNKNOWN = 10_000;
const MAX_EVENT_LENGTH = 1024 * 1024;
/** The two clocks may drift apart by one millisecond in this many. */
const DRIFT = 1_000;
/** Follows the public keys of auth-server and its revocation feed (docs/feed.md). */
export class AuthServer {
    #agent;
    #logged;
    /** Milliseconds from one fetch of the keys to the next. */
    #pause;
    #backoff;
    constructor(settings, revocations, clock, log) {
        this.settings = settings;
        this.revocations = revocations;
        this.clock = clock;
        this.log = log;
        /** Whether it publishes none. */
        this.isWithoutKeys = true;
        this.#logged = new Set();
        /** Milliseconds from one fetch of the keys to the next. */
        this.#pause = 0;
        this.#backoff = 0;
        const connect = { timeout: TIMEOUT, ...(settings.ca && { ca: settings.ca }) };
        this.#agent = new Agent({ connect, headersTimeout: TIMEOUT, bodyTimeout: TIMEOUT });
        void this.#followKeys();
        if (settings.secrets.feed.length > 0)
            void this.#followFeed();
    }
    close() {
        void this.#agent.destroy();
    }
    /** Logs each problem once until the feed is connected, so that an outage causes few lines. */
    warn(what, why) {
        const { message, code } = Object(why);
        const line = `goptri: ${what}: ${message || code || why}`;
        if (!this.#logged.has(line) && !this.#agent.destroyed)
            this.log.warn(line);
        this.#logged.add(line);
    }
    async #followKeys() {
        let fetchedAt = -Infinity;
        for (; !this.#agent.destroyed; await sleep(100, undefined, { ref: false })) {
            if (this.clock() - fetchedAt < this.#pause)
                continue;
            fetchedAt = this.clock();
            try {
                const body = await this.#get('/.well-known/jwks.json', { 'cache-control': 'no-cache' });
                const jwks = (await body.json());
                const find = createLocalJWKSet(jwks);
                const kids = jwks.keys.flatMap(({ kid }) => kid ?? []);
                if (new Set(kids).size < kids.length)
                    throw new Error('two keys have one kid');
                this.keys = (header) => find(header).catch((error) => this.#onUnknownKey(error));
                this.isWithoutKeys = jwks.keys.length === 0;
            }
            catch (error) {
                this.warn('the public keys cannot be fetched', error);
            }
            // Several auth-servers behind one address get new keys at different times: so again, later.
            this.#pause = Math.min(Math.max(this.#pause * 2, 200), MAX_PAUSE);
        }
    }
    /** Any client can send tokens with unknown keys: these cause at most one fetch in ten seconds. */
    #onUnknownKey(error) {
        this.#pause = Math.min(this.#pause, MAX_PAUSE_IF_UNKNOWN);
        throw error;
    }
    async #followFeed() {
        while (!this.#agent.destroyed) {
            await this.#readFeed().catch((error) => this.warn('the revocation feed is disconnected', error));
            this.#backoff = Math.min(Math.max(this.#backoff * 2, 100), MAX_BACKOFF);
            await sleep(this.#backoff * (0.5 + Math.random() / 2), undefined, { ref: false });
        }
    }
    /** Reads one connection until it ends, and throws why. */
    async #readFeed() {
        // HTTP headers are sent as ISO 8859-1. The secret is UTF-8, as auth-server reads it.
        const secret = Buffer.from(this.settings.secrets.feed[0] ?? '').toString('latin1');
        const headers = { authorization: `Bearer ${secret}`, accept: 'text/event-stream' };
        const body = await this.#get('/revocations', headers);
        let [arrival, leastOffset, isCaughtUp] = [this.clock(), Infinity, false];
        const onEvent = ({ event, data }) => {
            if (event === 'revocations') {
                for (const entry of JSON.parse(data).entries) {
                    const isReadable = this.revocations.insert(entry, arrival);
                    if (!isReadable)
                        this.warn('skipped a revocation', 'unreadable');
                }
            }
            // A `keys` event may have been missed before `caught-up`.
            if (event === 'keys' || event === 'caught-up')
                this.#pause = 0;
            if (event !== 'heartbeat' && event !== 'caught-up')
                return;
            const { age_ms, uptime_ms } = JSON.parse(data);
            if (!(age_ms >= 0 && uptime_ms >= 0))
                throw new Error('an event is malformed');
            leastOffset = Math.min(leastOffset, arrival - uptime_ms);
            if (event === 'caught-up') {
                isCaughtUp = true;
                this.#logged.clear();
                this.log.info('goptri: connected to the revocation feed');
            }
            else if (isCaughtUp) {
                this.#backoff = 0;
            }
            // Earlier heartbeats only show how long messages are delayed in buffers.
            if (isCaughtUp)
                this.revocations.setKnownAsOf(leastOffset + uptime_ms - age_ms);
        };
        const decoder = new TextDecoder();
        const parser = createParser({ maxBufferSize: MAX_EVENT_LENGTH, onEvent });
        for await (const chunk of body) {
            const silence = this.clock() - arrival;
            // The time-out does not run while the machine is suspended. Later data is too old to use.
            if (silence > TIMEOUT)
                throw new Error(`no data for ${TIMEOUT / 1000} s`);
            arrival += silence;
            leastOffset += silence / DRIFT;
            parser.feed(decoder.decode(chunk, { stream: true }));
        }
        throw new Error('auth-server closed the connection');
    }
    async #get(path, headers) {
        const url = this.settings.url + path;
        // Follows no redirect, which could send the secret elsewhere.
        const { statusCode, body } = await request(url, { headers, dispatcher: this.#agent });
        if (statusCode === 200)
            return body;
        await body.dump();
        const hint = statusCode === 401 ? '; FEED_SECRET is wrong' : '';
        throw new Error(`auth-server answers ${statusCode}${hint}`);
    }
}
