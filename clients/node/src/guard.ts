import { createHash, webcrypto } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { compactVerify, errors, type CompactVerifyGetKey } from 'jose';
import { AuthServer } from './auth-server.js';
import { callerOf, type Caller } from './caller.js';
import { tokenOf } from './request.js';
import { bootClock, CATCH_UP_TIMEOUT, Revocations } from './revocations.js';
import { parseSettings, type Settings } from './settings.js';
import { parseObject } from './strict-json.js';
import { invalidToken, TokenError } from './token-error.js';

const MAX_TOKEN_LENGTH = 8 * 1024;
const ALGORITHMS = { algorithms: ['HS256', 'EdDSA', 'ES256', 'RS256'] };
const HS256 = { name: 'HMAC', hash: 'SHA-256' };
const TICK = 500;
const STANDARD_ERROR = { info: console.error, warn: console.error };

/** Receives one message per line. `console`, pino and winston are such loggers. */
export type Logger = Pick<Console, 'info' | 'warn'>;

export interface GuardOptions extends Settings {
  /** By default, messages go to standard error. */
  logger?: Logger;
  /** Milliseconds since 1970, for tests. */
  clock?: () => number;
  /** Milliseconds on a clock that is never set, for tests. */
  monotonicClock?: () => number;
}

/** Decides whether an access token is accepted. Verifying makes no request. */
export type Guard = ReturnType<typeof createGuard>;

/** A guard from environment variables; options replace them. Throws a `SettingsError`. */
export function createGuard(options: GuardOptions = {}) {
  const { logger = STANDARD_ERROR, clock = Date.now, monotonicClock = bootClock } = options;
  const settings = parseSettings(options);
  const revocations = new Revocations(settings, monotonicClock);
  const authServer = new AuthServer(settings, revocations, monotonicClock, logger);
  const began = monotonicClock();
  let lastSecrets = settings.secrets;
  let secretKeys = keysOf(settings.secrets.access);
  if (settings.secrets.feed.length === 0) {
    logger.warn('goptri: FEED_SECRET is not set: after a sign-out, tokens stay valid');
    revocations.setKnownAsOf(Infinity);
  }

  /**
   * The caller, if the token is genuine, valid now, for this service, and not revoked. Rejects with
   * a `TokenError` otherwise.
   */
  async function verify(token: string): Promise<Caller> {
    const payload = await payloadOf(token, (kid) => secretKeys.get(kid) ?? publishedKeys());
    const caller = callerOf(payload, settings, clock() / 1000);
    if (revocations.has(caller)) throw invalidToken('revoked');
    const reason = revocations.unavailability();
    if (reason !== undefined) throw new TokenError('temporarily_unavailable', reason);
    return caller;
  }

  /** Undefined without any key: a client would discard a valid token on a 401. */
  function publishedKeys(): CompactVerifyGetKey | undefined {
    return secretKeys.size === 0 && authServer.isWithoutKeys ? undefined : authServer.keys;
  }

  /** Verifies the token of a request, and marks a response that depends on cookies. */
  async function authenticate(request: IncomingMessage, response: ServerResponse): Promise<Caller> {
    try {
      return await verify(tokenOf(request, response, settings));
    } catch (error) {
      if (error instanceof TokenError) logger.info(`goptri: ${error.message}`);
      throw error;
    }
  }

  /** Whether valid tokens are accepted. While they are not, a service should get no requests. */
  function ready(): boolean {
    // With a secret, published keys are awaited no longer than the feed.
    const mayLackKeys = secretKeys.size > 0 && monotonicClock() - began > CATCH_UP_TIMEOUT;
    return (publishedKeys() !== undefined || mayLackKeys) && !revocations.unavailability();
  }

  function tick(): void {
    revocations.sweep();
    if (revocations.isStale()) authServer.warn('the revocations are stale', settings.onStale);
    try {
      const { secrets } = parseSettings(options);
      // A file that is being written does not stay the same until the next round.
      const isSettled = isDeepStrictEqual(secrets, lastSecrets);
      lastSecrets = secrets;
      if (!isSettled || isDeepStrictEqual(secrets, settings.secrets)) return;
      settings.secrets = secrets;
      secretKeys = keysOf(secrets.access);
      logger.info('goptri: the secrets have changed');
    } catch (error) {
      authServer.warn('the previous secrets stay in use', error);
    }
  }

  const timer = setInterval(tick, TICK).unref();
  /** Stops following auth-server, which keeps the process running. */
  function close(): void {
    clearInterval(timer);
    authServer.close();
  }

  return { verify, authenticate, ready, close };
}

/** The payload, if the signature is valid. */
async function payloadOf(token: string, find: (kid: string) => CompactVerifyGetKey | undefined) {
  try {
    const key = find(kidOf(token));
    if (!key) throw new TokenError('temporarily_unavailable', 'keys_unavailable');
    const { payload } = await compactVerify(token, key, ALGORITHMS);
    return parseObject(payload);
  } catch (error) {
    if (error instanceof TokenError) throw error;
    // Other messages may contain a part of the token.
    throw invalidToken(error instanceof errors.JOSEError ? error.message : 'malformed');
  }
}

/** The `kid`, if the token is strict base64url and its header passes what jose does not check. */
function kidOf(token: string): string {
  if (token.length > MAX_TOKEN_LENGTH) throw invalidToken('too long');
  const segments = token.split('.');
  const decoded = segments.map((segment) => Buffer.from(segment, 'base64url'));
  const isStrict = decoded.every((bytes, at) => bytes.toString('base64url') === segments[at]);
  if (!isStrict) throw invalidToken('not base64url');
  const { kid, typ, ...others } = parseObject(decoded[0] ?? Buffer.of());
  if (['crit', 'zip', 'enc'].some((name) => name in others)) throw invalidToken('extension');
  const isAccessToken = typeof typ === 'string' && /^(?:application\/)?at\+jwt$/i.test(typ);
  if (!isAccessToken) throw invalidToken('not an access token (typ)');
  if (typeof kid !== 'string') throw invalidToken('no kid');
  return kid;
}

/** HS256 keys: the bytes of each text, found by a `kid` that is a truncated hash. */
function keysOf(secrets: string[]): ReadonlyMap<string, CompactVerifyGetKey> {
  const entries = secrets.map((secret): [string, CompactVerifyGetKey] => {
    const hash = createHash('sha256').update(`goptri key id\0${secret}`).digest();
    const key = webcrypto.subtle.importKey('raw', Buffer.from(secret), HS256, false, ['verify']);
    return [hash.subarray(0, 12).toString('base64url'), () => key];
  });
  return new Map(entries);
}
