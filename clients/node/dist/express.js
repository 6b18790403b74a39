import onHeaders from 'on-headers';
import { Caller } from './caller.js';
import { insufficientScope, MISSING_TOKEN, ProtocolError } from './protocol-error.js';
const VARY = 'Sec-Fetch-Site, Origin, Cookie';
const results = new WeakMap();
/** Verifies the access token of each request, and sets `request.auth`. Responds itself to requests that it rejects. */
export function auth(guard, options = {}) {
    return (request, response, next) => {
        check(guard, options, request, response)
            .then((result) => {
            // Always, because an outer `auth` may have accepted what this one rejects.
            request.auth = result instanceof Caller ? result : undefined;
            if (result instanceof ProtocolError)
                send(response, result);
            else
                next();
        })
            .catch(next);
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
    return (request, response, next) => {
        const error = refusal(request, isMet, scopes);
        if (error)
            send(response, error);
        else
            next();
    };
}
/** @internal The caller, the error to respond with, or nothing if the token is optional and not valid. */
export async function check(guard, { optional = false }, request, response) {
    const { result, from } = await guard.authenticate(request);
    results.set(request, result);
    if (from !== 'header' && from !== 'two headers')
        onHeaders(response, () => mark(response, from));
    return optional && result instanceof ProtocolError && result.status === 401 ? undefined : result;
}
/** @internal */
export function refusal(request, isMet, scopes) {
    const result = results.get(request);
    if (result instanceof Caller)
        return isMet(result) ? undefined : insufficientScope(scopes);
    if (result === undefined)
        console.error(`goptri: no auth runs before the check of scope or role; rejected`);
    return result ?? MISSING_TOKEN;
}
/** With a cookie, the response would be another one; the response to a cookie is kept out of every cache. */
function mark(response, from) {
    if (from !== 'nothing')
        response.setHeader('Cache-Control', 'private, no-store');
    const vary = response.getHeader('Vary');
    response.setHeader('Vary', vary === undefined ? VARY : `${vary}, ${VARY}`);
}
function send(response, { status, headers, body }) {
    response.statusCode = status;
    for (const [name, value] of Object.entries(headers))
        response.setHeader(name, value);
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify(body));
}
