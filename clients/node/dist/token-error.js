/** What clients see of each error (RFC 6749 §5.2, RFC 6750 §3). */
const ERRORS = {
    missing_token: [
        401,
        'This route needs an access token; send it as Authorization: Bearer and the token.',
    ],
    invalid_token: [401, 'The token is malformed, expired, revoked or for another service.'],
    invalid_request: [400, 'The request has more than one Authorization header; send one.'],
    insufficient_scope: [403, 'The access token lacks the scope or role that this route needs.'],
    cross_site_request: [
        403,
        'Requests with cookies that change something must come from a page of this service ' +
            'or of an allowed origin.',
    ],
    temporarily_unavailable: [
        503,
        'The service is temporarily unavailable; ' +
            'try again after the seconds in the Retry-After header.',
    ],
};
/** The request is rejected. Contains no part of the token. */
export class TokenError extends Error {
    /** `reason` is for the log only: the response is the same for every reason. */
    constructor(code, reason = code, scopes = []) {
        super(`access token rejected: ${reason}`);
        this.code = code;
        this.reason = reason;
        this.scopes = scopes;
        this.name = 'TokenError';
        this.status = ERRORS[this.code][0];
        this.headers = headersOf(this.code, this.scopes);
        this.body = { error: this.code, error_description: ERRORS[this.code][1] };
    }
}
function headersOf(code, scopes) {
    if (code === 'temporarily_unavailable')
        return { 'Retry-After': '1' };
    if (code === 'missing_token')
        return { 'WWW-Authenticate': 'Bearer' };
    if (code !== 'invalid_token' && code !== 'insufficient_scope')
        return {};
    const scope = scopes.length > 0 ? `, scope="${scopes.join(' ')}"` : '';
    return { 'WWW-Authenticate': `Bearer error="${code}"${scope}` };
}
export const invalidToken = (reason) => new TokenError('invalid_token', reason);
