import { describe } from './auth-server.js';
import { parseJwks } from './keys.js';
const INTERVAL = 5 * 60_000;
const MIN_INTERVAL = 100;
const UNKNOWN_KID_COOLDOWN = 10_000;
const MIN_RETRY = 200;
const MAX_RETRY = 10_000;
const BODY_TIMEOUT = 10_000;
const MAX_BYTES = 128 * 1024;
/** Keeps the public keys of auth-server up to date. The last good set stays in use while auth-server is unreachable. */
export class KeyRefresher {
    server;
    log;
    /** `undefined` until the first fetch succeeds. */
    keys;
    #timer;
    #isFetching = false;
    #began = 0;
    #pause = 0;
    #afterSuccess = INTERVAL;
    #afterFailure = MIN_RETRY;
    #changed = false;
    #unknownKid = false;
    #logged = '';
    constructor(server, log) {
        this.server = server;
        this.log = log;
        void this.#refresh();
    }
    /** The keys have changed, or may have. */
    notifyChanged() {
        this.#changed = true;
        this.#schedule();
    }
    /** A token names an unknown key. Any client can send such tokens, so these fetches are rate-limited. */
    notifyUnknownKid() {
        this.#unknownKid = true;
        this.#schedule();
    }
    close() {
        this.#isFetching = true;
        clearTimeout(this.#timer);
    }
    #schedule() {
        if (this.#isFetching)
            return;
        const pauses = [
            this.#pause,
            this.#changed ? MIN_INTERVAL : Infinity,
            this.#unknownKid ? UNKNOWN_KID_COOLDOWN : Infinity,
        ];
        clearTimeout(this.#timer);
        const due = this.#began + Math.min(...pauses) - performance.now();
        this.#timer = setTimeout(() => void this.#refresh(), Math.max(0, due)).unref();
    }
    async #refresh() {
        this.#isFetching = true;
        this.#began = performance.now();
        // Several auth-servers behind one address get new keys at different times, so a change is fetched repeatedly.
        if (this.#changed)
            this.#afterSuccess = MIN_RETRY;
        this.#changed = this.#unknownKid = false;
        try {
            const { keys, skipped } = await parseJwks(await this.#fetch());
            this.keys = keys;
            this.#pause = this.#afterSuccess;
            this.#afterSuccess = Math.min(this.#pause * 2, INTERVAL);
            this.#afterFailure = MIN_RETRY;
            const names = [...keys].map(([kid, { alg }]) => `${kid} (${alg})`), unused = skipped.map((problem) => `one unused: ${problem}`);
            this.#logOnce('info', `auth-server publishes the keys: ${[...names, ...unused].join(', ') || 'none'}`);
        }
        catch (error) {
            this.#pause = this.#afterFailure;
            this.#afterFailure = Math.min(this.#pause * 2, MAX_RETRY);
            this.#logOnce('warn', `the public keys of ${this.server.url} cannot be fetched, will retry: ${describe(error)}`);
        }
        this.#isFetching = false;
        this.#schedule();
    }
    async #fetch() {
        const accept = 'application/jwk-set+json, application/json';
        const response = await this.server.get('/.well-known/jwks.json', { accept, 'cache-control': 'no-cache' });
        const timer = setTimeout(() => response.destroy(new Error('no complete response')), BODY_TIMEOUT).unref();
        try {
            if (response.statusCode !== 200)
                throw new Error(`it answers ${response.statusCode} instead of keys`);
            const chunks = [];
            let length = 0;
            for await (const chunk of response) {
                length += chunks.push(chunk) && chunk.length;
                if (length > MAX_BYTES)
                    throw new Error(`it is longer than ${MAX_BYTES} bytes`);
            }
            return Buffer.concat(chunks);
        }
        finally {
            clearTimeout(timer);
            response.destroy();
        }
    }
    #logOnce(level, message) {
        if (message !== this.#logged)
            this.log[level](`goptri: ${message}`);
        this.#logged = message;
    }
}
