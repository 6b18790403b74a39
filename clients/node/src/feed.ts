import { describe, type AuthServer } from './auth-server.js';
import { EventStreamParser } from './event-stream.js';
import type { Logger } from './guard.js';
import type { Revocations } from './revocations.js';

const FIRST_EVENT_TIMEOUT = 60_000;
const NEXT_EVENT_TIMEOUT = 15_000;
const MIN_BACKOFF = 100;
const MAX_BACKOFF = 1_500;
const MAINTENANCE_INTERVAL = 1_000;
/** The two clocks may drift apart by one millisecond in this many. */
const DRIFT = 1_000;

/** Follows the revocation feed (docs/feed.md) until it is closed, and reconnects forever. */
export class FeedFollower {
  #backoff = MIN_BACKOFF;
  #timer: NodeJS.Timeout | undefined;
  #maintenance = setInterval(() => this.#maintain(), MAINTENANCE_INTERVAL).unref();
  #stop = new AbortController();
  #logged = new Set<string>();
  #wasStale = false;

  /** `secret` is called for each connection. `onKeys`: the keys of auth-server have changed, or may have. */
  constructor(
    readonly server: AuthServer,
    readonly secret: () => string,
    readonly revocations: Revocations,
    readonly onKeys: () => void,
    readonly log: Logger,
  ) {
    void this.#follow();
  }

  close(): void {
    this.#stop.abort();
    clearTimeout(this.#timer);
    clearInterval(this.#maintenance);
  }

  async #follow(): Promise<void> {
    const problem = await this.#followOnce().catch(describe);
    if (this.#stop.signal.aborted) return;
    // One line for each reason, so that an outage does not flood the log.
    if (!this.#logged.has(problem)) {
      this.log.warn(`goptri: disconnected from the revocation feed of ${this.server.url}, will retry: ${problem}`);
    }
    this.#logged.add(problem);
    const pause = this.#backoff * (0.5 + Math.random() / 2);
    this.#backoff = Math.min(this.#backoff * 2, MAX_BACKOFF);
    this.#timer = setTimeout(() => void this.#follow(), pause).unref();
  }

  /** Reads one connection until it ends, and returns or throws why. */
  async #followOnce(): Promise<string> {
    // Node sends a header as ISO 8859-1. The secret is UTF-8, as auth-server reads it.
    const secret = Buffer.from(this.secret(), 'utf8').toString('latin1');
    const headers = { authorization: `Bearer ${secret}`, accept: 'text/event-stream' };
    const response = await this.server.get('/revocations', headers, this.#stop.signal);
    let limit = FIRST_EVENT_TIMEOUT;
    let last = this.revocations.clock();
    const silent = () => new Error(`no data for ${limit / 1000} s`);
    let timer = setTimeout(() => response.destroy(silent()), limit).unref();
    try {
      checkHead(response.statusCode, response.headers['content-type']);
      const parser = new EventStreamParser();
      const connection = new Connection(this);
      for await (const chunk of response as AsyncIterable<Buffer>) {
        clearTimeout(timer);
        const now = this.revocations.clock();
        // The timer does not run while the machine is suspended. Data read afterwards is too old to use.
        if (now - last > limit) throw silent();
        for (const [name, data] of parser.feed(chunk)) connection.onEvent(name, data);
        [limit, last] = [NEXT_EVENT_TIMEOUT, now];
        timer = setTimeout(() => response.destroy(silent()), limit).unref();
      }
      return 'the connection was closed';
    } finally {
      clearTimeout(timer);
      response.destroy();
    }
  }

  /** @internal */
  caughtUp(): void {
    const what = this.#logged.size > 0 ? 'reconnected' : 'connected';
    this.log.info(`goptri: ${what} to the revocation feed of ${this.server.url}: ${this.revocations.size} entries`);
    this.#logged.clear();
    // A `keys` event may have been missed.
    this.onKeys();
  }

  /** @internal */
  stable(): void {
    this.#backoff = MIN_BACKOFF;
  }

  #maintain(): void {
    this.revocations.sweep();
    const age = this.revocations.age();
    const { maxStaleness, onStale } = this.revocations.staleness;
    const isStale = Number.isFinite(age) && age > maxStaleness;
    if (isStale && !this.#wasStale) this.log.error(`goptri: the revocation set is stale; ON_STALE is ${onStale}`);
    if (!isStale && this.#wasStale) this.log.info('goptri: the revocation set is fresh again');
    this.#wasStale = isStale;
  }
}

function checkHead(status: number | undefined, type = ''): void {
  if (status === 401) throw new Error('it rejects the first secret in FEED_SECRET (401)');
  if (status !== 200) throw new Error(`it answers ${status} instead of the feed`);
  if (!/^text\/event-stream/i.test(type)) throw new Error('it answers 200 without a stream of events');
}

/** The state of one connection. */
class Connection {
  #caughtUp = false;
  /** The smallest offset between arrival and `uptime_ms`, and when it was measured. */
  #least: { offset: number; at: number } | undefined;
  #loggedSkipped = false;

  constructor(readonly follower: FeedFollower) {}

  onEvent(name: string, data: string): void {
    const { follower } = this;
    if (name === 'keys') follower.onKeys();
    if (name === 'revocations') this.#add(parse(name, data));
    if (name !== 'heartbeat' && name !== 'caught-up') return;
    // Before `caught-up`, a heartbeat only calibrates the delay.
    const age = this.#age(parse(name, data));
    if (name === 'heartbeat' && !this.#caughtUp) return;
    follower.revocations.knownAsOf(age);
    if (name === 'heartbeat') follower.stable();
    else follower.caughtUp();
    this.#caughtUp = true;
  }

  #add({ entries }: Record<string, unknown>): void {
    if (!Array.isArray(entries)) throw new Error(malformed('revocations'));
    if (this.follower.revocations.insert(entries) || this.#loggedSkipped) return;
    this.follower.log.error('goptri: skipped revocation entries that this version cannot read');
    this.#loggedSkipped = true;
  }

  /** The age that auth-server states, plus the time that the message spent in buffers. */
  #age({ age_ms: age, uptime_ms: uptime }: Record<string, unknown>): number {
    if (!isCount(age) || !isCount(uptime)) throw new Error(malformed('heartbeat'));
    const now = this.follower.revocations.clock();
    const offset = now - uptime;
    const expected = this.#least ? this.#least.offset + (now - this.#least.at) / DRIFT : offset;
    if (offset <= expected) this.#least = { offset, at: now };
    return age + Math.max(0, offset - expected);
  }
}

const malformed = (event: string) => `the data of the event ${event} is malformed`;

/** Parses the data of an event. The error contains no part of it. */
function parse(event: string, data: string): Record<string, unknown> {
  try {
    return { ...JSON.parse(data) };
  } catch {
    throw new Error(malformed(event));
  }
}

const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0;
