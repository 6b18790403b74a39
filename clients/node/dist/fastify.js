import { Caller } from './caller.js';
import { check, refusal } from './express.js';
import { ProtocolError } from './protocol-error.js';
/** Verifies the access token of each request, and sets `request.auth`. Replies itself to requests that it rejects. */
export function auth(guard, options = {}) {
    return async (request, reply) => {
        const result = await check(guard, options, request.raw, reply.raw);
        // Always, because an outer `auth` may have accepted what this one rejects.
        request.auth = result instanceof Caller ? result : undefined;
        return result instanceof ProtocolError ? send(reply, result) : undefined;
    };
}
/** Rejects callers whose token lacks one of the scopes. Use it behind `auth`. */
export function requiredScopes(...scopes) {
    return requires((caller) => scopes.every((scope) => caller.hasScope(scope)), scopes);
}
/** Rejects callers without the role; a client has none. Use it behind `auth`. */
export function requiredRole(role) {
    return requires((caller) => caller.hasRole(role), []);
}
function requires(isMet, scopes) {
    return async (request, reply) => {
        const error = refusal(request.raw, isMet, scopes);
        return error && send(reply, error);
    };
}
function send(reply, { status, headers, body }) {
    return reply.code(status).headers(headers).send(body);
}
