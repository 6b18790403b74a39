import { callTo, isRejection, persistently } from './auth-server.js';
import type { Change, Client, ClientOptions, User } from './client.js';
import type { GoptriError } from './error.js';
import { sessionFetch } from './fetch.js';
import { refresher, withSession } from './refresh.js';
import { SessionStore, type Session } from './session.js';
import { defaultStorage } from './storage.js';
import { exclusively, Tabs } from './tabs.js';

/** Creates a client. It sends nothing before it is used. Throws a `TypeError` without `authServer` or `mode`. */
export function createClient(options: ClientOptions): Client {
  const { authServer, api = '', mode, storage = defaultStorage() } = options;
  if (!authServer) throw new TypeError('authServer is missing');
  if (mode !== 'cookie' && mode !== 'bearer') throw new TypeError("mode is 'cookie' or 'bearer'");
  const page = globalThis.location?.href;
  const server = new URL(authServer, page).href.replace(/\/$/, '');
  const trusted = [server, new URL(api, page ?? server).href].map((url) => new URL(url).origin);
  const cookies = mode === 'cookie';
  const name = `goptri ${server}`;
  const store = new SessionStore(storage, name, cookies);
  const tabs = new Tabs<Change>(name, () => store.text());

  const call = callTo(server, cookies);
  /** Sends the refresh token, or the cookie that has it with `body`. */
  const present = (method: string, path: string, session: Session | null, body?: object) =>
    call(method, path, cookies ? body : { refresh_token: session?.refresh });
  const exchange = (session: Session) => present('POST', '/token', session, { cookie: true });
  const fresh = withSession(store, refresher(store, name, exchange, () => tabs.tell('signed-out')));
  const fetch = sessionFetch(api.replace(/\/$/, ''), trusted, cookies, fresh);

  /** Ends the session by its refresh token, or by the cookie of a sign-in without one. Returns why it has not. */
  async function endSession(query: string): Promise<GoptriError | undefined> {
    let rejection: GoptriError | undefined;
    for (const path of cookies ? ['/token', '/logout'] : ['/logout']) {
      const session = store.current();
      if (!cookies && !session) break;
      try {
        await persistently(() => present('DELETE', path + query, session));
        return undefined;
      } catch (error) {
        if (!isRejection(error)) throw error;
        rejection = error;
      }
    }
    return rejection;
  }

  return {
    async signIn(credentials) {
      const body = cookies ? { ...credentials, cookie: true } : credentials;
      await exclusively(name, async () => store.save(await call('POST', '/login', body)));
      tabs.tell('signed-in');
    },

    async signOut({ everywhere } = {}) {
      const rejection = await exclusively(name, () => endSession(everywhere ? '?everywhere=true' : ''));
      store.write(null);
      tabs.tell('signed-out');
      // The session had ended, so it could not end the others.
      if (everywhere && rejection) throw rejection;
    },

    fetch,

    async currentUser() {
      if (!cookies && !store.current()) return null;
      const user: User | null = await fresh(
        async (access) => (await persistently(() => call('GET', '/currentuser', undefined, access))).currentUser,
        (user) => !user,
      );
      // A sign-in elsewhere on the site has set cookies.
      if (user && !store.current()) store.write({});
      return user;
    },

    onChange: (listener) => tabs.listen(listener),
  };
}
