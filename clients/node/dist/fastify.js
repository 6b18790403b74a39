import { withScopes } from './caller.js';
import { TokenError } from './token-error.js';
/**
 * Hook that verifies the access token of each request, and sets `request.auth`. Replies itself to
 * requests that it rejects.
 */
export const auth = (guard) => hook((request, reply) => guard.authenticate(request.raw, reply.raw));
/** Hook that rejects callers whose token lacks one of the scopes. Use it behind `auth`. */
export const requiredScopes = (...scopes) => hook(async (request) => withScopes(request.auth, scopes));
function hook(callerOf) {
    return async (request, reply) => {
        try {
            request.auth = await callerOf(request, reply);
            return undefined;
        }
        catch (error) {
            if (!(error instanceof TokenError))
                throw error;
            return reply.code(error.status).headers(error.headers).send(error.body);
        }
    };
}
