import type { SessionStorage } from './storage.js';

/** How a client is set up. */
export interface ClientOptions {
  /** URL of auth-server: `https://login.example.com`, or a path of the page's own origin, such as `/auth`. */
  authServer: string;
  /**
   * URL of your API, which {@link Client.fetch} puts before paths; by default the page's own origin. Only its origin
   * and that of auth-server get the user's token or cookies.
   */
  api?: string;
  /**
   * `cookie`: tokens are in cookies that no script can read; for pages on the same site as both servers.
   * `bearer`: tokens are in `storage`, and requests carry the access token in their `Authorization` header.
   */
  mode: 'cookie' | 'bearer';
  /**
   * Where the session is kept; `localStorage` by default. All tabs must share it, or each must sign in for itself
   * (`memoryStorage()`). Never use `sessionStorage`: browsers copy it into duplicated tabs, and two copies of one
   * session look like theft. In cookie mode it has no tokens.
   */
  storage?: SessionStorage;
}

/** What a user signs in with. */
export interface Credentials {
  email: string;
  password: string;
  /** Cookie mode only: keep the user signed in when the browser is closed. */
  remember?: boolean;
}

/** The user who is signed in. */
export interface User {
  id: string;
  email: string;
  roles: string[];
}

/** What a listener of {@link Client.onChange} gets. */
export type Change = 'signed-in' | 'signed-out';

/** A client of one auth-server. Create one for each page, and use it for all requests. */
export interface Client {
  /**
   * Signs a user in. Rejects with a `GoptriError`: `invalid_credentials`, or a status of 429 or 503 with `retryAfter`,
   * or `network`.
   */
  signIn(credentials: Credentials): Promise<void>;
  /**
   * Signs the user out, here and in all tabs; with `everywhere`, on all devices. Resolves once the server has ended the
   * session. If it rejects with a `GoptriError`, the user is still signed in: try again.
   */
  signOut(options?: { everywhere?: boolean }): Promise<void>;
  /**
   * `fetch` with the user's session. Refreshes an expired session first, and repeats a request that got 401 once if a
   * refresh helped, unless its body is a stream, which cannot be sent twice. Where no refresh is possible, the response
   * is that 401. Rejects like `fetch`, and with a `GoptriError` if auth-server could not refresh the session now; the
   * user stays signed in.
   *
   * Paths (`/photos`) are those of the API. Requests to other origins, and those with an `Authorization` header of
   * their own, are passed on unchanged.
   */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
  /** The user who is signed in, or `null`. Asks auth-server each time. Rejects like {@link Client.fetch}. */
  currentUser(): Promise<User | null>;
  /**
   * Calls `listener` after each sign-in and sign-out, in this tab or another, and when a session turns out to have
   * ended. Returns a function that stops that.
   */
  onChange(listener: (change: Change) => void): () => void;
}
