/**
 * Verifies Goptri's access tokens in Express services, and rejects them within moments of a
 * sign-out.
 *
 * ```ts
 * const guard = createGuard(); // settings come from environment variables
 * app.get('/readyz', (_, response) => response.sendStatus(guard.ready() ? 200 : 503));
 * app.use(auth(guard));
 * app.get('/orders', requiredScopes('orders:read'), (request, response) => {
 *   response.json(ordersOf(request.auth!.subject));
 * });
 * ```
 *
 * @packageDocumentation
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { withScopes, type Caller } from './caller.js';
import type { Guard } from './guard.js';
import { TokenError } from './token-error.js';

export { createGuard, type GuardOptions, type Logger } from './guard.js';
export { SettingsError, type Settings } from './settings.js';
export { TokenError, type Caller, type Guard };

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- Express declares its types so.
  namespace Express {
    interface Request {
      /** The caller, behind `auth`. */
      auth?: Caller;
    }
  }
}

type Request = IncomingMessage & { auth?: Caller };
type Next = (error?: unknown) => void;

/**
 * Middleware that verifies the access token of each request, and sets `request.auth`. Responds
 * itself to requests that it rejects.
 */
export const auth = (guard: Guard) => middleware(guard.authenticate);

/** Middleware that rejects callers whose token lacks one of the scopes. Use it behind `auth`. */
export const requiredScopes = (...scopes: string[]) =>
  middleware(async (request) => withScopes(request.auth, scopes));

/** Middleware of Express, Connect and Node's own servers. */
function middleware(callerOf: (request: Request, response: ServerResponse) => Promise<Caller>) {
  return async (request: Request, response: ServerResponse, next: Next): Promise<void> => {
    try {
      request.auth = await callerOf(request, response);
    } catch (error) {
      if (!(error instanceof TokenError)) return next(error);
      response.writeHead(error.status, { 'Content-Type': 'application/json', ...error.headers });
      response.end(JSON.stringify(error.body));
      return;
    }
    next();
  };
}
