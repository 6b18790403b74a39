import type { IncomingMessage, ServerResponse } from 'node:http';
import onHeaders from 'on-headers';
import { Caller } from './caller.js';
import type { Authentication, Guard } from './guard.js';
import { insufficientScope, MISSING_TOKEN, ProtocolError } from './protocol-error.js';

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- Express declares its types so.
  namespace Express {
    interface Request {
      /** The caller, behind `auth`. */
      auth?: Caller | undefined;
    }
  }
}

export interface AuthOptions {
  /**
   * Accepts requests without a valid token too. Still responds 503 while it is unknown whether a token is revoked, 400
   * for two `Authorization` headers, and 403 for an unsafe request whose cookie a foreign page sends.
   */
  optional?: boolean;
}

/** A middleware of Express, Connect and Node's own servers. */
export type Middleware = (
  request: IncomingMessage & { auth?: Caller | undefined },
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

const VARY = 'Sec-Fetch-Site, Origin, Cookie';
const results = new WeakMap<IncomingMessage, Caller | ProtocolError>();

/** Verifies the access token of each request, and sets `request.auth`. Responds itself to requests that it rejects. */
export function auth(guard: Guard, options: AuthOptions = {}): Middleware {
  return (request, response, next) => {
    check(guard, options, request, response)
      .then((result) => {
        // Always, because an outer `auth` may have accepted what this one rejects.
        request.auth = result instanceof Caller ? result : undefined;
        if (result instanceof ProtocolError) send(response, result);
        else next();
      })
      .catch(next);
  };
}

/** Rejects callers whose token lacks one of the scopes. Use it behind `auth`. */
export function requiredScopes(...scopes: string[]): Middleware {
  return requires((caller) => scopes.every((scope) => caller.hasScope(scope)), scopes);
}

/** Rejects callers without the role; a client has none. Use it behind `auth`. */
export function requiredRole(role: string): Middleware {
  return requires((caller) => caller.hasRole(role), []);
}

function requires(isMet: (caller: Caller) => boolean, scopes: string[]): Middleware {
  return (request, response, next) => {
    const error = refusal(request, isMet, scopes);
    if (error) send(response, error);
    else next();
  };
}

/** @internal The caller, the error to respond with, or nothing if the token is optional and not valid. */
export async function check(
  guard: Guard,
  { optional = false }: AuthOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Caller | ProtocolError | undefined> {
  const { result, from } = await guard.authenticate(request);
  results.set(request, result);
  if (from !== 'header' && from !== 'two headers') onHeaders(response, () => mark(response, from));
  return optional && result instanceof ProtocolError && result.status === 401 ? undefined : result;
}

/** @internal */
export function refusal(
  request: IncomingMessage,
  isMet: (caller: Caller) => boolean,
  scopes: string[],
): ProtocolError | undefined {
  const result = results.get(request);
  if (result instanceof Caller) return isMet(result) ? undefined : insufficientScope(scopes);
  if (result === undefined) console.error(`goptri: no auth runs before the check of scope or role; rejected`);
  return result ?? MISSING_TOKEN;
}

/** With a cookie, the response would be another one; the response to a cookie is kept out of every cache. */
function mark(response: ServerResponse, from: Authentication['from']): void {
  if (from !== 'nothing') response.setHeader('Cache-Control', 'private, no-store');
  const vary = response.getHeader('Vary');
  response.setHeader('Vary', vary === undefined ? VARY : `${vary}, ${VARY}`);
}

function send(response: ServerResponse, { status, headers, body }: ProtocolError): void {
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.setHeader('Content-Type', 'application/json').end(JSON.stringify(body));
}
