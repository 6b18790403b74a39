import { describe, type AuthServer } from './auth-server.js';
import type { Logger } from './guard.js';
import { parseJwks, type KeySet } from './keys.js';

const INTERVAL = 5 * 60_000;
const MIN_INTERVAL = 100;
const UNKNOWN_KID_COOLDOWN = 10_000;
const MIN_RETRY = 200;
const MAX_RETRY = 10_000;
const BODY_TIMEOUT = 10_000;
const MAX_BYTES = 128 * 1024;

/** Keeps the public keys of auth-server up to date. The last good set stays in use while auth-server is unreachable. */
export class KeyRefresher {
  /** `undefined` until the first fetch succeeds. */
  keys: KeySet | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isFetching = false;
  #began = 0;
  #pause = 0;
  #afterSuccess = INTERVAL;
  #afterFailure = MIN_RETRY;
  #changed = false;
  #unknownKid = false;
  #logged = '';
  readonly #stop = new AbortController();

  constructor(
    readonly server: AuthServer,
    readonly log: Logger,
    readonly clock: () => number,
  ) {
    void this.#refresh();
  }

  /** The keys have changed, or may have. */
  notifyChanged(): void {
    this.#changed = true;
    this.#schedule();
  }

  /** A token names an unknown key. Any client can send such tokens, so these fetches are rate-limited. */
  notifyUnknownKid(): void {
    this.#unknownKid = true;
    this.#schedule();
  }

  close(): void {
    this.#stop.abort();
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#isFetching || this.#stop.signal.aborted) return;
    const pauses = [
      this.#pause,
      this.#changed ? MIN_INTERVAL : Infinity,
      this.#unknownKid ? UNKNOWN_KID_COOLDOWN : Infinity,
    ];
    clearTimeout(this.#timer);
    const due = this.#began + Math.min(...pauses) - this.clock();
    this.#timer = setTimeout(() => void this.#refresh(), Math.max(0, due)).unref();
  }

  async #refresh(): Promise<void> {
    this.#isFetching = true;
    this.#began = this.clock();
    // Several auth-servers behind one address get new keys at different times, so a change is fetched repeatedly.
    if (this.#changed) this.#afterSuccess = MIN_RETRY;
    this.#changed = this.#unknownKid = false;
    try {
      const { keys, skipped } = await parseJwks(await this.#fetch());
      this.keys = keys;
      this.#pause = this.#afterSuccess;
      this.#afterSuccess = Math.min(this.#pause * 2, INTERVAL);
      this.#afterFailure = MIN_RETRY;
      const used = [...keys].map(([kid, { alg }]) => `${kid} (${alg})`);
      const all = [...used, ...skipped.map((problem) => `one unused: ${problem}`)];
      this.#logOnce('info', `auth-server publishes the keys: ${all.join(', ') || 'none'}`);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#pause = this.#afterFailure;
      this.#afterFailure = Math.min(this.#pause * 2, MAX_RETRY);
      this.#logOnce('warn', `the public keys of ${this.server.url} cannot be fetched, will retry: ${describe(error)}`);
    }
    this.#isFetching = false;
    this.#schedule();
  }

  async #fetch(): Promise<Buffer> {
    const headers = { accept: 'application/jwk-set+json, application/json', 'cache-control': 'no-cache' };
    const response = await this.server.get('/.well-known/jwks.json', headers, this.#stop.signal);
    const timer = setTimeout(() => response.destroy(new Error('no complete response')), BODY_TIMEOUT).unref();
    try {
      if (response.statusCode !== 200) throw new Error(`it answers ${response.statusCode} instead of keys`);
      const chunks: Buffer[] = [];
      let length = 0;
      for await (const chunk of response as AsyncIterable<Buffer>) {
        chunks.push(chunk);
        length += chunk.length;
        if (length > MAX_BYTES) throw new Error(`it is longer than ${MAX_BYTES} bytes`);
      }
      return Buffer.concat(chunks);
    } finally {
      clearTimeout(timer);
      response.destroy();
    }
  }

  #logOnce(level: keyof Logger, message: string): void {
    if (message !== this.#logged) this.log[level](`goptri: ${message}`);
    this.#logged = message;
  }
}
