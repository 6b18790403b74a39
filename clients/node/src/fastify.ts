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
import { withScopes, type Caller } from './caller.js';
import type { Guard } from './guard.js';
import { TokenError } from './token-error.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The caller, behind `auth`. */
    auth?: Caller;
  }
}

/**
 * Hook that verifies the access token of each request, and sets `request.auth`. Replies itself to
 * requests that it rejects.
 */
export const auth = (guard: Guard) =>
  hook((request, reply) => guard.authenticate(request.raw, reply.raw));

/** Hook that rejects callers whose token lacks one of the scopes. Use it behind `auth`. */
export const requiredScopes = (...scopes: string[]) =>
  hook(async (request) => withScopes(request.auth, scopes));

function hook(callerOf: (request: FastifyRequest, reply: FastifyReply) => Promise<Caller>) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    try {
      request.auth = await callerOf(request, reply);
      return undefined;
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      return reply.code(error.status).headers(error.headers).send(error.body);
    }
  };
}
