import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { TokenError, checkTimes } from './caller.js';
import { FeedFollower } from './feed.js';
import { KeyRefresher } from './key-refresher.js';
import { keysOfSecrets, verifyToken } from './keys.js';
import { CROSS_SITE, MISSING_TOKEN, ProtocolError, TWO_CREDENTIALS } from './protocol-error.js';
import { credentialOf, mayUseCookies, tokenOfCookie, valuesOf } from './request.js';
import { monotonicClock, Revocations } from './revocations.js';
import { parseSettings } from './settings.js';
const FILES_INTERVAL = 500;
const STANDARD_ERROR = { info: console.error, warn: console.error, error: console.error };
/**
 * Decides whether an access token is accepted. It follows auth-server in the background, and makes no request of its
 * own while it verifies.
 */
export class Guard {
    #settings;
    #log;
    #clock;
    #refresher;
    #revocations;
    #follower;
    #files;
    #claims = new WeakMap();
    #localKeys;
    /** @internal Use `createGuard`. */
    constructor(options) {
        const settings = parseSettings(options, options.environment ?? process.env);
        this.#settings = settings;
        this.#log = options.logger ?? STANDARD_ERROR;
        this.#clock = options.clock ?? Date.now;
        this.#localKeys = keysOfSecrets(settings.secrets.access);
        const clock = options.monotonicClock ?? monotonicClock;
        const refresher = new KeyRefresher(settings.server, this.#log, clock);
        this.#refresher = refresher;
        if (settings.secrets.feed.length > 0) {
            this.#revocations = new Revocations(settings, clock);
            this.#follower = new FeedFollower(settings.server, () => settings.secrets.feed[0] ?? '', this.#revocations, () => refresher.notifyChanged(), this.#log);
        }
        else {
            this.#log.warn('goptri: FEED_SECRET is not set: a sign-out takes effect here when the access token expires');
        }
        if (settings.files.length > 0)
            this.#files = this.#watchFiles(settings.files);
    }
    /** The caller, if the token is genuine, valid now, for this service, and not revoked. Throws a `TokenError`. */
    async verify(token) {
        const { caller, claims } = await verifyToken(token, (kid) => this.#find(kid), this.#settings, this.#clock());
        this.#revocations?.check(claims);
        this.#claims.set(caller, claims);
        return caller;
    }
    /** Checks times and revocation again: after long work, and before its effect. Throws a `TokenError`. */
    verifyAgain(caller) {
        const claims = this.#claims.get(caller);
        if (claims === undefined)
            throw new TypeError('another guard verified this caller');
        checkTimes(claims, this.#clock(), this.#settings.leeway);
        this.#revocations?.check(claims);
    }
    /** Whether valid tokens are accepted. While they are not, a service should not receive requests. */
    ready() {
        if (this.#revocations?.notReady() !== undefined)
            return false;
        // With a secret, the guard waits for auth-server's keys no longer than for its feed.
        const isPastTimeout = this.#revocations?.isWithinCatchUpTimeout() === false;
        return this.#hasAllKeys() || (isPastTimeout && this.#localKeys.size > 0);
    }
    /** Stops following auth-server and watching files. */
    close() {
        this.#refresher.close();
        this.#follower?.close();
        clearInterval(this.#files);
    }
    /** @internal */
    async authenticate({ method = '', rawHeaders }) {
        const credential = credentialOf(rawHeaders, this.#settings.cookieName);
        try {
            return { result: await this.#verifyCredential(credential, method, rawHeaders), from: credential.from };
        }
        catch (error) {
            if (error instanceof ProtocolError)
                return { result: error, from: credential.from };
            if (!(error instanceof TokenError))
                throw error;
            this.#log.info(`goptri: access token rejected: ${error.reason}`);
            return { result: ProtocolError.of(error), from: credential.from };
        }
    }
    async #verifyCredential(credential, method, rawHeaders) {
        switch (credential.from) {
            case 'nothing':
                throw MISSING_TOKEN;
            case 'two headers':
                throw TWO_CREDENTIALS;
            case 'two cookies':
                throw new TokenError('two_cookies');
            case 'header':
                return this.verify(credential.value);
            case 'cookie':
                // First, so that a foreign page does not learn whether the cookie is valid.
                if (!mayUseCookies(method, rawHeaders, this.#settings.senders)) {
                    const sender = ['sec-fetch-site', 'origin'].map((name) => valuesOf(rawHeaders, name));
                    this.#log.info(`goptri: cookies rejected: ${JSON.stringify([method, ...sender])}`);
                    throw CROSS_SITE;
                }
                return this.verify(tokenOfCookie(credential.value));
        }
    }
    #find(kid) {
        const key = this.#localKeys.get(kid) ?? this.#refresher.keys?.get(kid);
        if (key)
            return key;
        this.#refresher.notifyUnknownKid();
        throw new TokenError(this.#hasAllKeys() ? 'unknown_key' : 'keys_unavailable');
    }
    /** Whether all keys are known: those of auth-server were fetched, and there is at least one. */
    #hasAllKeys() {
        const published = this.#refresher.keys;
        return published !== undefined && published.size + this.#localKeys.size > 0;
    }
    /** Watches by content: a Kubernetes secret changes by replacing a symbolic link. */
    #watchFiles(paths) {
        let [previous, used] = ['', ''];
        const poll = async () => {
            const contents = await Promise.all(paths.map((path) => readFile(path).catch(String)));
            const hash = contents.reduce((hash, content) => hash.update(content), createHash('sha256')).digest('hex');
            // A change is accepted after two equal reads, so that a partial write is ignored.
            if (hash === previous && hash !== used) {
                used = hash;
                this.#reload();
            }
            previous = hash;
        };
        return setInterval(() => void poll(), FILES_INTERVAL).unref();
    }
    #reload() {
        const { secrets, readSecrets } = this.#settings;
        const problems = [];
        const { access, feed } = readSecrets(problems);
        for (const problem of problems)
            this.#log.error(`goptri: ${problem}; the previous content stays in use`);
        if (feed.length > 0)
            secrets.feed = feed;
        if (access.length === 0 || isDeepStrictEqual(access, secrets.access))
            return;
        secrets.access = access;
        this.#localKeys = keysOfSecrets(access);
        this.#log.info('goptri: the secrets that verify access tokens have changed');
    }
}
/** A guard from environment variables; options replace them. Throws a `SettingsError` with all that are invalid. */
export function createGuard(options = {}) {
    return new Guard(options);
}
