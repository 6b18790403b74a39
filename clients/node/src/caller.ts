import { parseObject, type JsonProblem } from './strict-json.js';

/** The caller of a request: a user, or a client that acts for itself (then without `sessionId`, `email` and roles). */
export class Caller {
  /** The id of the user or of the client (`sub`). */
  readonly subject: string;
  /** The user's session (`sid`). It ends when the user signs out. */
  readonly sessionId: string | undefined;
  readonly clientId: string;
  /** The words of `scope`, in the order in which they were granted. */
  readonly scope: ReadonlySet<string>;
  readonly roles: readonly string[];
  /** For display only: no decision may depend on it. */
  readonly email: string | undefined;
  readonly emailVerified: boolean | undefined;
  /** When the token expires, in seconds since 1970. */
  readonly exp: number;
  /** All claims of the token. */
  readonly claims: Readonly<Record<string, unknown>>;

  /** @internal */
  constructor(claims: Claims, raw: Record<string, unknown>) {
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
  hasScope(word: string): boolean {
    return this.scope.has(word);
  }

  /** Whether the user has this role. A client has none. */
  hasRole(role: string): boolean {
    return this.roles.includes(role);
  }
}

/** Why a token was rejected, for the log only: the response is the same for every reason. */
export type Reason =
  | JsonProblem
  | 'too_long'
  | 'not_compact'
  | 'base64'
  | 'extension'
  | 'wrong_type'
  | 'missing_kid'
  | 'unknown_key'
  | 'wrong_algorithm'
  | 'bad_signature'
  | 'wrong_issuer'
  | 'wrong_audience'
  | 'expired'
  | 'not_yet_valid'
  | 'issued_in_the_future'
  | 'invalid_claim'
  | 'no_session'
  | 'revoked'
  | 'malformed_cookie'
  | 'two_cookies'
  | 'stale'
  | 'not_caught_up'
  | 'keys_unavailable';

/** The token was rejected. Contains no part of it. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  constructor(readonly reason: Reason) {
    super(`access token rejected: ${reason}`);
  }

  /** Whether the token may be valid, so that another one would not help: 503 instead of 401. */
  get isTemporary(): boolean {
    return ['stale', 'not_caught_up', 'keys_unavailable'].includes(this.reason);
  }
}

/** The claims that are checked (RFC 9068 plus `sid`). */
export interface Claims {
  iss: string;
  sub: string;
  aud: string[];
  exp: number;
  iat: number;
  nbf?: number;
  auth_time?: number;
  jti: string;
  client_id: string;
  scope: string;
  sid?: string;
  email?: string;
  email_verified?: boolean;
  roles?: string[];
}

/** The last second of the year 9999. */
export const MAX_SECONDS = 253_402_300_799;
const isString = (value: unknown) => typeof value === 'string';
const isDate = (value: unknown) => typeof value === 'number' && value >= 0 && value <= MAX_SECONDS;
const isStrings = (value: unknown) => Array.isArray(value) && value.every(isString);
const REQUIRED = {
  iss: isString,
  sub: isString,
  exp: isDate,
  iat: isDate,
  jti: isString,
  client_id: isString,
  scope: isString,
  aud: (value: unknown) => isString(value) || isStrings(value),
};
const OPTIONAL = {
  nbf: isDate,
  auth_time: isDate,
  sid: isString,
  email: isString,
  roles: isStrings,
  email_verified: (value: unknown) => typeof value === 'boolean',
};
const SCOPE = /^(?:[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*)?$/;
const CONTROL_OR_BLANK = /\p{Cc}|^\p{White_Space}*$/u;

/** Parses a verified payload. Checks types, but no values. */
export function parseClaims(payload: Uint8Array): { claims: Claims; raw: Record<string, unknown> } {
  const raw = parseObject(payload);
  const required = Object.entries(REQUIRED).every(([name, is]) => is(raw[name]));
  const optional = Object.entries(OPTIONAL).every(([name, is]) => raw[name] === undefined || is(raw[name]));
  if (!required || !optional) throw new TokenError('json');
  const claims = { ...raw, aud: [raw.aud].flat() } as unknown as Claims;
  for (const name of ['exp', 'iat', 'nbf', 'auth_time'] as const) {
    if (claims[name] !== undefined) claims[name] = Math.trunc(claims[name]);
  }
  return { claims, raw };
}

/** Checks the times at `now` with `leeway`, both in milliseconds. */
export function checkTimes({ exp, iat, nbf }: Pick<Claims, 'exp' | 'iat' | 'nbf'>, now: number, leeway: number): void {
  if (now - leeway >= exp * 1000) throw new TokenError('expired');
  if (nbf !== undefined && now + leeway < nbf * 1000) throw new TokenError('not_yet_valid');
  // Revocations are kept for one hour longer than a token is valid. A later `iat` could outlive its own revocation.
  if (now + leeway < (iat - 3600) * 1000) throw new TokenError('issued_in_the_future');
}

/** Checks that auth-server issues such values, and that it is clear which revocations apply. */
export function checkValues(claims: Claims): void {
  const { sub, aud, jti, client_id, sid, email, roles = [], exp, iat, nbf = 0, auth_time = 0 } = claims;
  if (!SCOPE.test(claims.scope)) throw new TokenError('json');
  const texts = [sub, ...aud, jti, client_id, ...roles, ...[sid, email].filter((text) => text !== undefined)];
  const hasInvalidText = texts.some((text) => CONTROL_OR_BLANK.test(text));
  if (hasInvalidText || exp < iat || nbf > exp || auth_time > iat) throw new TokenError('invalid_claim');
  if ((sid !== undefined) === (sub === client_id)) throw new TokenError('no_session');
}
