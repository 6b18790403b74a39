import { invalidToken, TokenError } from './token-error.js';
const CONTROL_OR_BLANK = /\p{Cc}|^\p{White_Space}*$/u;
const SCOPE = /^(?:[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*)?$/;
/** The last second of the year 9999. */
const MAX_TIME = 253_402_300_799;
const isText = (value) => typeof value === 'string' && !CONTROL_OR_BLANK.test(value);
const isTexts = (value) => Array.isArray(value) && value.every(isText);
const isTime = (value) => typeof value === 'number' && value >= 0 && value <= MAX_TIME;
const isScope = (value) => typeof value === 'string' && SCOPE.test(value);
const isFlag = (value) => typeof value === 'boolean';
const REQUIRED = [
    [isText, 'sub', 'jti', 'client_id'],
    [isScope, 'scope'],
    [isTime, 'exp', 'iat'],
];
const OPTIONAL = [
    [isText, 'sid', 'email'],
    [isTexts, 'roles'],
    [isTime, 'nbf', 'auth_time'],
    [isFlag, 'email_verified'],
];
/** A user, or a client that acts for itself: then without `sessionId`, `email` and roles. */
export class Caller {
    /** @internal */
    constructor(claims) {
        this.claims = claims;
        /** The id of the user or of the client (`sub`). */
        this.subject = this.claims.sub;
        /** The user's session (`sid`). It ends when the user signs out. */
        this.sessionId = this.claims.sid;
        this.clientId = this.claims.client_id;
        /** The words of `scope`, in the order in which they were granted. */
        this.scope = new Set(this.claims.scope.split(' ').filter(Boolean));
        this.roles = (this.sessionId && this.claims.roles) || [];
        /** For display only: no decision may depend on it. */
        this.email = this.sessionId && this.claims.email;
        /** When the token expires, in seconds since 1970. */
        this.exp = Math.trunc(this.claims.exp);
    }
    /** Whether this scope was granted. The comparison is exact. */
    hasScope(word) {
        return this.scope.has(word);
    }
    /** Whether the user has this role. A client has none. */
    hasRole(role) {
        return this.roles.includes(role);
    }
}
/** The caller, if the claims of a verified payload are valid at `now`, in seconds since 1970. */
export function callerOf(claims, expected, now) {
    const { issuer, audience, leeway } = expected;
    const isComplete = REQUIRED.every(([is, ...names]) => names.every((name) => is(claims[name])));
    const isOdd = OPTIONAL.some(([is, ...names]) => names.some((name) => name in claims && !is(claims[name])));
    if (!isComplete || isOdd)
        throw invalidToken('a claim is missing or malformed');
    if (claims.iss !== issuer)
        throw invalidToken('wrong issuer');
    const audiences = [claims.aud].flat();
    if (!isTexts(audiences) || !audiences.includes(audience))
        throw invalidToken('wrong audience');
    // jose would compare fractions of a second, which auth-server ignores.
    const times = [claims.exp, claims.iat, claims.nbf ?? 0, claims.auth_time ?? 0];
    const [exp = 0, iat = 0, nbf = 0, authTime = 0] = times.map(Math.trunc);
    if (now - leeway >= exp)
        throw invalidToken('expired');
    if (nbf > now + leeway)
        throw invalidToken('not yet valid');
    // A revocation is kept for one hour longer than a token is valid: a later `iat` could outlive it.
    if (iat > now + leeway + 3600)
        throw invalidToken('issued in the future');
    if (exp < iat || exp < nbf || iat < authTime)
        throw invalidToken('contradictory times');
    const isClient = claims.sub === claims.client_id;
    if (isClient === (claims.sid !== undefined))
        throw invalidToken('no session');
    return new Caller(claims);
}
/** The caller, if there is one with all these scopes. */
export function withScopes(caller, scopes) {
    if (!caller)
        throw new TokenError('missing_token');
    if (!scopes.every((scope) => caller.hasScope(scope))) {
        throw new TokenError('insufficient_scope', 'insufficient scope', scopes);
    }
    return caller;
}
