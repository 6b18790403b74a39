/** An error as the client sees it (RFC 6749 §5.2, RFC 6750 §3). The reason of a rejection is only in the log. */
export class ProtocolError {
    status;
    headers;
    body;
    constructor(status, code, description, headers = {}) {
        this.status = status;
        this.headers = headers;
        this.body = { error: code, error_description: description };
    }
    static of(error) {
        return error.isTemporary ? UNAVAILABLE : INVALID_TOKEN;
    }
}
export const MISSING_TOKEN = new ProtocolError(401, 'missing_token', 'This route needs an access token; send it as Authorization: Bearer and the token.', { 'WWW-Authenticate': 'Bearer' });
export const INVALID_TOKEN = new ProtocolError(401, 'invalid_token', 'The token is malformed, expired, revoked or for another service.', { 'WWW-Authenticate': 'Bearer error="invalid_token"' });
export const TWO_CREDENTIALS = new ProtocolError(400, 'invalid_request', 'The request has more than one Authorization header; send one.');
export const CROSS_SITE = new ProtocolError(403, 'cross_site_request', 'Requests with cookies that change something must come from a page of this service or of an allowed origin.');
export const UNAVAILABLE = new ProtocolError(503, 'temporarily_unavailable', 'The service is temporarily unavailable; try again after the seconds in the Retry-After header.', { 'Retry-After': '1' });
/** The token lacks one of the scopes, or the role if there are none. */
export function insufficientScope(scopes) {
    const scope = scopes.length > 0 ? `, scope="${scopes.join(' ')}"` : '';
    return new ProtocolError(403, 'insufficient_scope', 'The access token lacks the scope or role that this route needs.', { 'WWW-Authenticate': `Bearer error="insufficient_scope"${scope}` });
}
