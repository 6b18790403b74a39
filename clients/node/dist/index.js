import { withScopes } from './caller.js';
import { TokenError } from './token-error.js';
export { createGuard } from './guard.js';
export { SettingsError } from './settings.js';
export { TokenError };
/**
 * Middleware that verifies the access token of each request, and sets `request.auth`. Responds
 * itself to requests that it rejects.
 */
export const auth = (guard) => middleware(guard.authenticate);
/** Middleware that rejects callers whose token lacks one of the scopes. Use it behind `auth`. */
export const requiredScopes = (...scopes) => middleware(async (request) => withScopes(request.auth, scopes));
/** Middleware of Express, Connect and Node's own servers. */
function middleware(callerOf) {
    return async (request, response, next) => {
        try {
            request.auth = await callerOf(request, response);
        }
        catch (error) {
            if (!(error instanceof TokenError))
                return next(error);
            response.writeHead(error.status, { 'Content-Type': 'application/json', ...error.headers });
            response.end(JSON.stringify(error.body));
            return;
        }
        next();
    };
}
