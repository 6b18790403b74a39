import { pause, persistently } from './auth-server.js';
import { GoptriError } from './error.js';
import type { Session, SessionStore } from './session.js';
import { exclusively } from './tabs.js';

/** How long a change of another tab may be under way, and the time between two looks, in milliseconds. */
const MAX_DELAY = 200;
const DELAY = 10;

/** Replaces the session that was stored with this text, unless that has been done. */
export type Refresh = (stale: string | null) => Promise<void>;

/**
 * A {@link Refresh} that all callers and all tabs share. `exchange` sends the refresh token and returns the response;
 * `onEnd` is called when the session turns out to have ended.
 */
export function refresher(
  store: SessionStore,
  name: string,
  exchange: (session: Session) => Promise<unknown>,
  onEnd: () => void,
): Refresh {
  async function replace(stale: string | null): Promise<void> {
    // What is stored by now is newer, or the session of another sign-in.
    const isCurrent = () => store.text() === stale;
    const session = store.parse(stale);
    if (!session || !isCurrent()) return;
    try {
      const answer = await exchange(session);
      if (isCurrent()) store.save(answer);
    } catch (error) {
      // No other answer says that the session has ended.
      if (!(error instanceof GoptriError && error.code === 'invalid_grant')) throw error;
      if (!isCurrent()) return;
      store.write(null);
      // Without a text, no user of this page was ever signed in.
      if (stale) onEnd();
    }
  }
  return shared((stale) =>
    exclusively(name, async (hasWaited) => {
      // Browsers deliver what another tab has stored a little later than its lock.
      const until = performance.now() + (hasWaited ? MAX_DELAY : 0);
      while (store.text() === stale && performance.now() < until) await pause(DELAY);
      await persistently(() => replace(stale));
    }),
  );
}

/**
 * A call while another one runs gets its result. While the server has asked to wait, calls for the same text fail
 * without a request.
 */
function shared(refresh: Refresh): Refresh {
  let running: Promise<void> | undefined;
  let failure: { stale: string | null; error: GoptriError; until: number } | undefined;

  async function run(stale: string | null): Promise<void> {
    const wait = failure?.stale === stale ? Math.ceil((failure.until - performance.now()) / 1000) : 0;
    if (failure && wait > 0) {
      const { code, message, status } = failure.error;
      throw new GoptriError(code, message, status, wait);
    }
    try {
      await refresh(stale);
    } catch (error) {
      if (error instanceof GoptriError) {
        failure = { stale, error, until: performance.now() + (error.retryAfter ?? 0) * 1000 };
      }
      throw error;
    }
  }

  return (stale) =>
    (running ??= run(stale).finally(() => {
      running = undefined;
    }));
}

/** Calls `request` with the access token of a fresh session, and once more if the result is a rejection. */
export type WithSession = <T>(
  request: (access?: string) => Promise<T>,
  isRejection: (result: T) => boolean,
  signal?: AbortSignal,
) => Promise<T>;

/** A {@link WithSession} that refreshes before the request if the session has expired, and after a rejection. */
export function withSession(store: SessionStore, refresh: Refresh): WithSession {
  return async (request, isRejection, signal) => {
    let text = store.text();
    if ((store.parse(text)?.expires ?? Infinity) <= Date.now()) {
      await unlessAborted(refresh(text), signal);
      text = store.text();
    }
    const session = store.parse(text);
    const result = await request(session?.access);
    if (!session || !isRejection(result)) return result;
    if (store.text() === text) await unlessAborted(refresh(text), signal);
    const next = store.current();
    return next && store.text() !== text ? request(next.access) : result;
  };
}

/** The result of `running`, or the reason of an abort as soon as there is one; `running` goes on. */
function unlessAborted<T>(running: Promise<T>, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason));
    running.then(resolve, reject);
  });
}
