import { parseObject } from './strict-json.js';
/** The caller of a request: a user, or a client that acts for itself (then without `sessionId`, `email` and roles). */
export class Caller {
    /** The id of the user or of the client (`sub`). */
    subject;
    /** The user's session (`sid`). It ends when the user signs out. */
    sessionId;
    clientId;
    /** The words of `scope`, in the order in which they were granted. */
    scope;
    roles;
    /** For display only: no decision may depend on it. */
    email;
    emailVerified;
    /** When the token expires, in seconds since 1970. */
    exp;
    /** All claims of the token. */
    claims;
    /** @internal */
    constructor(claims, raw) {
        const user = claims.sid === undefined ? undefined : claims;
        this.subject = claims.sub;
        this.sessionId = claims.sid;
        this.clientId = claims.client_id;
        this.scope = new Set(claims.scope.split(' ').filter(Boolean));
        this.roles = user?.roles ?? [];
        this.email = user?.email;
        this.emailVerified = user?.email_verified;
        this.exp = claims.exp;
        this.claims = raw;
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
/** The token was rejected. Contains no part of it. */
export class TokenError extends Error {
    reason;
    name = 'TokenError';
    constructor(reason) {
        super(`access token rejected: ${reason}`);
        this.reason = reason;
    }
    /** Whether the token may be valid, so that another one would not help: 503 instead of 401. */
    get isTemporary() {
        return ['stale', 'not_caught_up', 'keys_unavailable'].includes(this.reason);
    }
}
/** The last second of the year 9999. */
export const MAX_SECONDS = 253_402_300_799;
const isString = (value) => typeof value === 'string';
const isDate = (value) => typeof value === 'number' && value >= 0 && value <= MAX_SECONDS;
const isStrings = (value) => Array.isArray(value) && value.every(isString);
const REQUIRED = {
    iss: isString,
    sub: isString,
    exp: isDate,
    iat: isDate,
    jti: isString,
    client_id: isString,
    scope: isString,
    aud: (value) => isString(value) || isStrings(value),
};
const OPTIONAL = {
    nbf: isDate,
    auth_time: isDate,
    sid: isString,
    email: isString,
    roles: isStrings,
    email_verified: (value) => typeof value === 'boolean',
};
const SCOPE = /^(?:[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*)?$/;
const CONTROL_OR_BLANK = /\p{Cc}|^\p{White_Space}*$/u;
/** Parses a verified payload. Checks types, but no values. */
export function parseClaims(payload) {
    const raw = parseObject(payload);
    const required = Object.entries(REQUIRED).every(([name, is]) => is(raw[name]));
    const optional = Object.entries(OPTIONAL).every(([name, is]) => raw[name] === undefined || is(raw[name]));
    if (!required || !optional)
        throw new TokenError('json');
    const claims = { ...raw, aud: [raw.aud].flat() };
    for (const name of ['exp', 'iat', 'nbf', 'auth_time']) {
        if (claims[name] !== undefined)
            claims[name] = Math.trunc(claims[name]);
    }
    return { claims, raw };
}
/** Checks the times at `now` with `leeway`, both in milliseconds. */
export function checkTimes({ exp, iat, nbf }, now, leeway) {
    if (now - leeway >= exp * 1000)
        throw new TokenError('expired');
    if (nbf !== undefined && now + leeway < nbf * 1000)
        throw new TokenError('not_yet_valid');
    // Revocations are kept for one hour longer than a token is valid. A later `iat` could outlive its own revocation.
    if (now + leeway < (iat - 3600) * 1000)
        throw new TokenError('issued_in_the_future');
}
/** Checks that auth-server issues such values, and that it is clear which revocations apply. */
export function checkValues(claims) {
    const { sub, aud, jti, client_id, sid, email, roles = [], exp, iat, nbf = 0, auth_time = 0 } = claims;
    if (!SCOPE.test(claims.scope))
        throw new TokenError('json');
    const texts = [sub, ...aud, jti, client_id, ...roles, ...[sid, email].filter((text) => text !== undefined)];
    const hasInvalidText = texts.some((text) => CONTROL_OR_BLANK.test(text));
    if (hasInvalidText || exp < iat || nbf > exp || auth_time > iat)
        throw new TokenError('invalid_claim');
    if ((sid !== undefined) === (sub === client_id))
        throw new TokenError('no_session');
}
