import { createHash, webcrypto } from 'node:crypto';
import { calculateJwkThumbprint, compactVerify, importJWK, type CryptoKey, type JWK } from 'jose';
import { Caller, checkTimes, checkValues, parseClaims, TokenError, type Claims } from './caller.js';
import { parseObject, StrictJsonError } from './strict-json.js';

export interface Key {
  /** Its only algorithm: the `alg` of a token is compared with it and selects nothing. */
  alg: string;
  key: CryptoKey | Promise<CryptoKey>;
}

export type KeySet = ReadonlyMap<string, Key>;

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];
const MAX_KEYS = 64;

/** HS256 keys; the bytes of each text are the key, and a truncated hash is its `kid`. */
export function keysOfSecrets(secrets: readonly string[]): KeySet {
  return new Map(
    secrets.map((secret) => {
      const kid = createHash('sha256')
        .update('goptri key id\0')
        .update(secret)
        .digest()
        .subarray(0, 12)
        .toString('base64url');
      const bytes = new TextEncoder().encode(secret);
      const key = webcrypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
      return [kid, { alg: 'HS256', key }];
    }),
  );
}

/**
 * Parses a fetched set of public keys. A set with private members or with one `kid` twice is rejected as a whole. A key
 * that cannot be used is skipped: a later auth-server may publish keys of other types.
 */
export async function parseJwks(json: Uint8Array): Promise<{ keys: KeySet; skipped: string[] }> {
  const keys = keysIn(json);
  if (keys.length > MAX_KEYS) throw new Error(`it has more than ${MAX_KEYS} keys`);
  if (keys.some((jwk) => PRIVATE_MEMBERS.some((name) => name in jwk))) {
    throw new Error('it has private members, with which any reader can sign tokens; replace these keys now');
  }
  const usable = new Map<string, Key>();
  const kids = new Set<string>();
  const skipped: string[] = [];
  for (const jwk of keys) {
    const key = await publicKey(jwk).catch((error: Error) => void skipped.push(error.message));
    const kid = jwk.kid ?? key?.thumbprint;
    if (kid === undefined) continue;
    if (kids.has(kid)) throw new Error('it has two keys with the same kid');
    kids.add(kid);
    if (key) usable.set(kid, key);
  }
  // An empty set revokes all keys on purpose. A set with unusable keys only is a mistake.
  if (usable.size === 0 && keys.length > 0) throw new Error('none of its keys can be used');
  return { keys: usable, skipped };
}

function keysIn(json: Uint8Array): JWK[] {
  const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
  try {
    const { keys } = parseObject(json, 64 * MAX_KEYS);
    if (Array.isArray(keys) && keys.every(isObject)) return keys as JWK[];
  } catch {
    // The same error as below.
  }
  throw new Error('it is not a set of keys; does AUTH_SERVER_URL name auth-server itself?');
}

async function publicKey(jwk: JWK): Promise<Key & { thumbprint: string }> {
  const { kty, crv, x = '', y = '', n = '', e = '', use = 'sig', key_ops = ['verify'], kid = '' } = jwk;
  const known = new Map<string, [alg: string, members: Record<string, string>]>([
    ['OKP Ed25519', ['EdDSA', { x }]],
    ['EC P-256', ['ES256', { x, y }]],
    ['RSA undefined', ['RS256', { n, e }]],
  ]);
  const [alg = '', members = {}] = known.get(`${kty} ${crv}`) ?? [];
  const isKnown = alg !== '' && (jwk.alg ?? alg) === alg;
  const isForVerifying = use === 'sig' && key_ops.includes('verify');
  if (!isKnown) throw new Error('it is not Ed25519 (EdDSA), P-256 (ES256) or RSA (RS256)');
  if (!isForVerifying) throw new Error('it is not for verifying signatures (use, key_ops)');
  const numbers = Object.values(members).map((text) => decode(text) ?? Buffer.of());
  const isComplete = numbers.every(({ length }) => length === 32 || (alg === 'RS256' && length > 0));
  if (!isComplete || typeof kid !== 'string') throw new Error('its members are not those of a key of its type');
  if (alg === 'RS256') checkRsa(...(numbers as [Buffer, Buffer]));
  const minimal = { kty, ...(crv && { crv }), ...members } as JWK;
  const key = await importJWK(minimal, alg).catch(() => Promise.reject(new Error('its numbers are not a public key')));
  return { alg, key: key as CryptoKey, thumbprint: await calculateJwkThumbprint(minimal) };
}

/** 2048 to 8192 bits without leading zeros, and an odd exponent of 17 to 33 bits. */
function checkRsa(modulus: Buffer, exponent: Buffer): void {
  const bits = (number: Buffer) => number.length * 8 - (Math.clz32(number[0] ?? 0) - 24);
  const isIn = (from: number, number: Buffer, to: number) => bits(number) >= from && bits(number) <= to;
  const isOdd = (number: Buffer) => (number.at(-1) ?? 0) % 2 === 1;
  if (modulus[0] === 0 || exponent[0] === 0 || !isOdd(modulus)) throw new Error('its numbers are not a public key');
  if (!isIn(2048, modulus, 8192)) throw new Error('it is an RSA key of less than 2048 or more than 8192 bits');
  if (!isIn(17, exponent, 33) || !isOdd(exponent)) throw new Error('its RSA exponent is even, too small or too large');
}

/** Strict base64url: one text per sequence of bytes. */
function decode(text: unknown): Buffer | undefined {
  const bytes = Buffer.from(String(text), 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

const MAX_TOKEN_BYTES = 8 * 1024;

/** What a token must match. Times are in milliseconds. */
export interface Expected {
  issuer: string;
  audience: string;
  leeway: number;
}

/** Verifies everything but the revocation. `find` returns the key of a `kid` or throws. `now` is in milliseconds. */
export async function verifyToken(
  token: string,
  find: (kid: string) => Key,
  { issuer, audience, leeway }: Expected,
  now: number,
): Promise<{ caller: Caller; claims: Claims }> {
  const key = selectKey(token, find);
  let payload: Uint8Array;
  try {
    ({ payload } = await compactVerify(token, await key.key, { algorithms: [key.alg] }));
  } catch {
    throw new TokenError('bad_signature');
  }
  const { claims, raw } = strict(() => parseClaims(payload));
  if (claims.iss !== issuer) throw new TokenError('wrong_issuer');
  if (!claims.aud.includes(audience)) throw new TokenError('wrong_audience');
  checkTimes(claims, now, leeway);
  checkValues(claims);
  return { caller: new Caller(claims, raw), claims };
}

/** The key that the header names, once everything else in the header is checked. */
function selectKey(token: string, find: (kid: string) => Key): Key {
  if (token.length > MAX_TOKEN_BYTES) throw new TokenError('too_long');
  if (!/^[\w-]*\.[\w-]*\.[\w-]*$/.test(token)) throw new TokenError('not_compact');
  const [bytes, ...others] = token.split('.').map(decode);
  if (bytes === undefined || others.includes(undefined)) throw new TokenError('base64');
  const header = strict(() => parseObject(bytes));
  const { alg, typ = null, kid = null } = header;
  const isText = (value: unknown) => value === null || typeof value === 'string';
  if (typeof alg !== 'string' || !isText(typ) || !isText(kid)) throw new TokenError('json');
  if ('crit' in header || 'zip' in header || 'enc' in header) throw new TokenError('extension');
  if (!/^(?:application\/)?at\+jwt$/i.test(String(typ))) throw new TokenError('wrong_type');
  if (kid === null) throw new TokenError('missing_kid');
  const key = find(String(kid));
  if (key.alg !== alg) throw new TokenError('wrong_algorithm');
  return key;
}

function strict<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw error instanceof StrictJsonError ? new TokenError(error.reason) : error;
  }
}
