/**
 * Hooks of Fastify:
 *
 * ```ts
 * const options = { onRequest: [auth(guard), requiredScopes('orders:read')] };
 * app.get('/orders', options, async ({ auth }) => ordersOf(auth!.subject));
 * ```
 *
 * @packageDocumentation
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Caller } from './caller.js';
import { check, refusal, type AuthOptions } from './express.js';
import type { Guard } from './guard.js';
import { ProtocolError } from './protocol-error.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The caller, behind `auth`. */
    auth?: Caller | undefined;
  }
}

export type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/** Verifies the access token of each request, and sets `request.auth`. Replies itself to requests that it rejects. */
export function auth(guard: Guard, options: AuthOptions = {}): Hook {
  return async (request, reply) => {
    const result = await check(guard, options, request.raw, reply.raw);
    // Always, because an outer `auth` may have accepted what this one rejects.
    request.auth = result instanceof Caller ? result : undefined;
    return result instanceof ProtocolError ? send(reply, result) : undefined;
  };
}

/** Rejects callers whose token lacks one of the scopes. Use it behind `auth`. */
export function requiredScopes(...scopes: string[]): Hook {
  return requires((caller) => scopes.every((scope) => caller.hasScope(scope)), scopes);
}

/** Rejects callers without the role; a client has none. Use it behind `auth`. */
export function requiredRole(role: string): Hook {
  return requires((caller) => caller.hasRole(role), []);
}

function requires(isMet: (caller: Caller) => boolean, scopes: string[]): Hook {
  return async (request, reply) => {
    const error = refusal(request.raw, isMet, scopes);
    return error && send(reply, error);
  };
}

function send(reply: FastifyReply, { status, headers, body }: ProtocolError): FastifyReply {
  return reply.code(status).headers(headers).send(body);
}
