// The guard while it follows auth-server: the revocation feed, the published keys, and what happens without them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import * as support from './support.js';

const { claimsOf, event, entryOf, guardOf, readyGuard, startAuthServer, tokenOf, until, verdict } = support;

const isRevoked = (guard, token) => async () => (await verdict(guard, token)) === 'revoked';

/** A clock that the test moves. */
function movedClock() {
  const clock = () => performance.now() + clock.ahead;
  clock.ahead = 0;
  return clock;
}

test('sessions, tokens and clients are revoked, and nothing else', async (t) => {
  const server = await startAuthServer(t);
  const { guard } = await readyGuard(t, server);
  const iat = Math.floor(Date.now() / 1000) - 10;
  const token = (changes) => tokenOf(claimsOf({ iat, ...changes }));
  server.revoke({ subject: 's' }, { kind: 'token', subject: 't' }, { kind: 'client', subject: 'c', revoked_at: iat });
  for (const changes of [{ sid: 's' }, { jti: 't' }, { client_id: 'c' }]) await until(isRevoked(guard, token(changes)));
  for (const changes of [{ sid: 't' }, { jti: 's' }, { sid: 'S' }, { client_id: 'c', iat: iat + 1 }]) {
    assert.equal(await verdict(guard, token(changes)), 'accepted', JSON.stringify(changes));
  }
  server.revoke({ kind: 'client', subject: 'c', revoked_at: iat - 5 }, { subject: 'later' });
  await until(isRevoked(guard, token({ sid: 'later' })));
  assert.equal(await verdict(guard, token({ client_id: 'c' })), 'revoked', 'the later of the two times counts');
  assert.equal(await verdict(guard, tokenOf(claimsOf({ sid: 's' }), { secret: support.OTHER_SECRET })), 'unknown_key');
});

test('a secret with characters beyond ASCII is sent as UTF-8', async (t) => {
  const server = await startAuthServer(t);
  for (const more of ['é', 'ключ', '€', '😀']) {
    const feedSecret = `${support.FEED_SECRET}-${more}`;
    // Node reads a header as ISO 8859-1.
    server.feedSecret = Buffer.from(feedSecret).toString('latin1');
    const { guard } = await readyGuard(t, server, { feedSecret });
    assert.equal(await verdict(guard, tokenOf()), 'accepted', more);
    guard.close();
  }
});

test('a revocation arrives within 100 ms', async (t) => {
  const server = await startAuthServer(t);
  const { guard } = await readyGuard(t, server);
  for (let round = 0; round < 20; round += 1) {
    const token = tokenOf(claimsOf({ sid: `s-${round}` }));
    const began = performance.now();
    server.revoke({ subject: `s-${round}` });
    await until(isRevoked(guard, token));
    assert.ok(performance.now() - began < 100);
  }
});

test('until the set is complete, valid tokens get 503 and the guard is not ready', async (t) => {
  const server = await startAuthServer(t);
  const monotonicClock = movedClock();
  server.opening = () => server.heartbeat();
  const { guard } = guardOf(t, server, { monotonicClock });
  const strict = guardOf(t, server, { monotonicClock, onStale: 'refuse' }).guard;
  await until(() => server.streams.size === 2 && server.fetches() === 2);
  server.send(server.heartbeat());
  await sleep(50);
  assert.deepEqual([await verdict(guard, tokenOf()), guard.ready()], ['not_caught_up', false]);
  assert.equal(await verdict(guard, 'x'), 'not_compact', 'other tokens are still invalid');
  const get = await support.startExpress(t, guard);
  for (const path of ['/photos', '/open', '/half']) {
    const { status, body, headers } = await get(path, { headers: support.bearer(tokenOf()) });
    assert.deepEqual([status, body.error, headers['retry-after']], [503, 'temporarily_unavailable', '1'], path);
    const sentence = 'The service is temporarily unavailable; try again after the seconds in the Retry-After header.';
    assert.equal(body.error_description, sentence);
  }
  monotonicClock.ahead = 61_000;
  assert.deepEqual([await verdict(guard, tokenOf()), guard.ready()], ['accepted', true]);
  assert.deepEqual([await verdict(strict, tokenOf()), strict.ready()], ['not_caught_up', false]);
});

test('a stale set accepts with allow, refuses with refuse, and is fresh after the next heartbeat', async (t) => {
  const server = await startAuthServer(t);
  const monotonicClock = movedClock();
  const [allow, refuse] = await Promise.all(
    ['allow', 'refuse'].map((onStale) => readyGuard(t, server, { onStale, monotonicClock, maxStaleness: '10s' })),
  );
  server.revoke({ subject: 'gone' });
  const revoked = tokenOf(claimsOf({ sid: 'gone' }));
  for (const { guard } of [allow, refuse]) await until(isRevoked(guard, revoked));
  await server.stop();
  monotonicClock.ahead = 9_000;
  assert.equal(await verdict(refuse.guard, tokenOf()), 'accepted');
  monotonicClock.ahead = 11_000;
  assert.deepEqual([await verdict(allow.guard, tokenOf()), allow.guard.ready()], ['accepted', true]);
  assert.deepEqual([await verdict(refuse.guard, tokenOf()), refuse.guard.ready()], ['stale', false]);
  for (const { guard, log } of [allow, refuse]) {
    assert.equal(await verdict(guard, revoked), 'revoked', 'known revocations stay');
    await until(() => log.some((line) => line.startsWith('error goptri: the revocation set is stale')));
  }
  await server.listen(server.port);
  await until(() => refuse.guard.ready());
  assert.equal(await verdict(refuse.guard, tokenOf()), 'accepted');
  await until(() => refuse.log.some((line) => line.includes('reconnected to the revocation feed')));
});

test('a connection that is cut in the middle of an event is opened again, and nothing is lost', async (t) => {
  const server = await startAuthServer(t);
  const { guard, log } = await readyGuard(t, server);
  const [before, during, after] = ['before', 'during', 'after'].map((sid) => tokenOf(claimsOf({ sid })));
  server.revoke({ subject: 'before' });
  await until(isRevoked(guard, before));
  server.opening = () =>
    server.heartbeat() +
    event('revocations', { entries: [entryOf({ subject: 'during' })] }) +
    server.heartbeat('caught-up');
  server.send(event('revocations', { entries: [entryOf({ subject: 'during' })] }).slice(0, -9));
  server.cut();
  await until(isRevoked(guard, during));
  assert.equal(await verdict(guard, before), 'revoked', 'entries are never removed');
  server.revoke({ subject: 'after' });
  await until(isRevoked(guard, after));
  assert.ok(log.some((line) => line.includes('disconnected from the revocation feed')));
});

test('events may arrive in any pieces and with any line endings', async (t) => {
  const server = await startAuthServer(t);
  const { guard } = await readyGuard(t, server);
  const texts = ['\n', '\r', '\r\n'].map((end, at) => {
    const entry = JSON.stringify(entryOf({ subject: `ü-${at}` }));
    const lines = [': a comment', '', 'id: 1', 'event: revocations', 'data: {"entries":[', `data: ${entry}]}`, '', ''];
    return lines.join(end);
  });
  for (const byte of Buffer.from(texts.join(''))) {
    server.send(Buffer.of(byte));
    await sleep(1);
  }
  for (const at of [0, 1, 2]) await until(isRevoked(guard, tokenOf(claimsOf({ sid: `ü-${at}` }))), `ü-${at}`);
});

test('unknown events and unreadable entries are skipped, and the others are used', async (t) => {
  const server = await startAuthServer(t);
  const { guard, log } = await readyGuard(t, server);
  server.send('weather', { sunny: true });
  server.revoke(
    { kind: 'planet', subject: 'a' },
    { subject: 7 },
    { subject: 'b', expires_in: -1 },
    { subject: 'c', revoked_at: '1' },
    { subject: 'x'.repeat(8193) },
    { subject: 'd', expires_in: 0 },
    { subject: 'good', more: [] },
  );
  server.send('revocations', { entries: [null, 7, entryOf({ subject: 'last' })] });
  for (const sid of ['good', 'last']) await until(isRevoked(guard, tokenOf(claimsOf({ sid }))), sid);
  for (const sid of ['a', 'b', 'c', 'd'])
    assert.equal(await verdict(guard, tokenOf(claimsOf({ sid }))), 'accepted', sid);
  assert.equal(log.filter((line) => line.includes('skipped')).length, 1, 'logged once');
  assert.equal(server.streams.size, 1);
});

test('an entry counts until its deadline, and the later deadline of two', async (t) => {
  const server = await startAuthServer(t);
  const monotonicClock = movedClock();
  const { guard } = await readyGuard(t, server, { monotonicClock });
  server.revoke(
    { subject: 'short', expires_in: 10 },
    { subject: 'long', expires_in: 100 },
    { subject: 'long', expires_in: 10 },
  );
  const [short, long] = ['short', 'long'].map((sid) => tokenOf(claimsOf({ sid })));
  await until(isRevoked(guard, long));
  monotonicClock.ahead = 9_900;
  assert.equal(await verdict(guard, short), 'revoked');
  monotonicClock.ahead = 12_000;
  assert.deepEqual([await verdict(guard, short), await verdict(guard, long)], ['accepted', 'revoked']);
});

for (const [about, change, problem] of [
  ['a wrong secret', { feedSecret: 'another' }, 'rejects the first secret in FEED_SECRET (401)'],
  ['an error', { status: 500 }, 'answers 500 instead of the feed'],
  ['a redirect', { status: 302 }, 'answers 302 instead of the feed'],
  ['another document', { contentType: 'text/html' }, 'answers 200 without a stream of events'],
  [
    'a malformed event',
    { opening: () => 'event: heartbeat\ndata: {"age_ms":-1}\n\n' },
    'the data of the event heartbeat is malformed',
  ],
  ['no JSON', { opening: () => 'event: caught-up\ndata: x\n\n' }, 'the data of the event caught-up is malformed'],
  ['no list', { opening: () => 'event: revocations\ndata: {}\n\n' }, 'the data of the event revocations is malformed'],
  ['data without an end', { opening: () => `data: ${'x'.repeat(1024 * 1024)}` }, 'an event is longer than 1 MiB'],
]) {
  test(`${about} is logged once without the secret, and the guard tries again`, async (t) => {
    const server = await startAuthServer(t);
    const good = { ...server };
    Object.assign(server, change);
    const { guard, log } = guardOf(t, server);
    const attempts = () => server.requests.filter(({ url }) => url === '/revocations').length;
    await until(() => attempts() >= 3);
    assert.equal(log.filter((line) => line.includes(problem)).length, 1, log.join('\n'));
    assert.ok(!server.requests.some(({ url }) => url === '/elsewhere'));
    Object.assign(server, { feedSecret: undefined, status: 200, contentType: undefined, opening: good.opening });
    await until(() => guard.ready());
    assert.ok(!log.join().includes(support.FEED_SECRET));
  });
}

test('an unreachable auth-server is followed as soon as it starts', async (t) => {
  const server = await startAuthServer(t);
  await server.stop();
  const { guard, log } = guardOf(t, server);
  await until(() => log.filter((line) => line.includes('ECONNREFUSED')).length === 2);
  assert.equal(await verdict(guard, tokenOf()), 'not_caught_up');
  await server.listen(server.port);
  await until(() => guard.ready());
  assert.equal(await verdict(guard, tokenOf()), 'accepted');
});

test('time in buffers counts as age', async (t) => {
  const server = await startAuthServer(t);
  const monotonicClock = movedClock();
  const { guard } = await readyGuard(t, server, { monotonicClock, onStale: 'refuse', maxStaleness: '10s' });
  const late = (age, milliseconds) =>
    server.send('heartbeat', { age_ms: age, uptime_ms: Math.round(monotonicClock() - server.began - milliseconds) });
  monotonicClock.ahead = 14_000;
  assert.equal(guard.ready(), false);
  late(0, 12_000);
  await sleep(50);
  assert.equal(guard.ready(), false, 'sent twelve seconds ago');
  late(0, 5_000);
  await until(() => guard.ready());
  monotonicClock.ahead += 6_000;
  assert.equal(guard.ready(), false, 'five and six seconds');
  late(11_000, 0);
  await sleep(50);
  assert.equal(guard.ready(), false, "auth-server's own age counts");
});

test('data that arrives after a suspension is not used', async (t) => {
  const server = await startAuthServer(t);
  const monotonicClock = movedClock();
  const { guard, log } = await readyGuard(t, server, { monotonicClock, onStale: 'refuse', maxStaleness: '10s' });
  server.opening = () => '';
  monotonicClock.ahead = 20_000;
  server.send(server.heartbeat());
  await until(() => log.some((line) => line.includes('no data for 15 s')));
  assert.equal(guard.ready(), false);
});

/** A key pair, and a function that makes tokens with it. */
function keyPair(kid, type = 'ed25519', options = {}, alg = 'EdDSA') {
  const { publicKey, privateKey } = generateKeyPairSync(type, options);
  const token = (changes) => {
    const segment = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const input = `${segment({ typ: 'at+jwt', alg, kid })}.${segment(claimsOf(changes))}`;
    return `${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`;
  };
  return { jwk: { ...publicKey.export({ format: 'jwk' }), kid }, token };
}

test('published keys verify besides the secret, and are fetched again after a keys event', async (t) => {
  const [first, second] = [keyPair('first'), keyPair('second')];
  const server = await startAuthServer(t, { jwks: { keys: [first.jwk] } });
  const { guard } = await readyGuard(t, server);
  assert.equal(await verdict(guard, first.token()), 'accepted');
  assert.equal(await verdict(guard, tokenOf()), 'accepted');
  assert.equal(await verdict(guard, second.token()), 'unknown_key');
  server.jwks = { keys: [second.jwk] };
  server.send('keys', {});
  await until(async () => (await verdict(guard, second.token())) === 'accepted');
  assert.equal(await verdict(guard, first.token()), 'unknown_key', 'a key that is no longer published');
});

test('after a keys event the keys are fetched several times', async (t) => {
  const server = await startAuthServer(t);
  const { guard } = await readyGuard(t, server);
  const pair = keyPair('late');
  const before = server.fetches();
  server.send('keys', {});
  await until(() => server.fetches() > before + 1);
  server.jwks = { keys: [pair.jwk] };
  await until(async () => (await verdict(guard, pair.token())) === 'accepted');
});

test('while no keys were fetched, a token with an unknown key gets 503', async (t) => {
  const pair = keyPair('p');
  const server = await startAuthServer(t, { jwks: { keys: [pair.jwk] } });
  Object.assign(server, { jwksStatus: 302, jwksHeaders: { location: '/elsewhere' } });
  const { guard, log } = guardOf(t, server, { accessTokenSecret: '' });
  await until(() => log.some((line) => line.includes('answers 302 instead of keys')));
  assert.deepEqual([await verdict(guard, pair.token()), guard.ready()], ['keys_unavailable', false]);
  server.jwksStatus = undefined;
  await until(() => guard.ready());
  assert.equal(await verdict(guard, pair.token()), 'accepted');
  assert.ok(!server.requests.some(({ url }) => url === '/elsewhere'));
});

test('with a secret, the guard waits for keys no longer than for the feed', async (t) => {
  const server = await startAuthServer(t);
  const monotonicClock = movedClock();
  server.jwksStatus = 500;
  const { guard } = guardOf(t, server, { monotonicClock });
  await until(async () => (await verdict(guard, tokenOf())) === 'accepted');
  assert.equal(guard.ready(), false);
  monotonicClock.ahead = 61_000;
  assert.equal(guard.ready(), true);
});

test('verification makes no request', async (t) => {
  const server = await startAuthServer(t);
  const { guard } = await readyGuard(t, server);
  await until(() => server.fetches() === 2);
  const before = server.requests.length;
  for (let round = 0; round < 100; round += 1) {
    assert.equal(await verdict(guard, tokenOf(claimsOf(), { header: { kid: `unknown-${round}` } })), 'unknown_key');
  }
  assert.equal(server.requests.length, before);
});

test('tokens with unknown keys cause one fetch in ten seconds', async (t) => {
  const pair = keyPair('new');
  const monotonicClock = movedClock();
  const server = await startAuthServer(t);
  // Without the feed, nothing else causes a fetch within five minutes.
  const { guard } = await readyGuard(t, server, { monotonicClock, feedSecret: '' });
  server.jwks = { keys: [pair.jwk] };
  for (let round = 0; round < 3; round += 1) {
    assert.equal(await verdict(guard, pair.token()), 'unknown_key');
    await sleep(100);
  }
  assert.equal(server.fetches(), 1, 'the last fetch is less than ten seconds ago');
  monotonicClock.ahead = 10_000;
  await until(async () => (await verdict(guard, pair.token())) === 'accepted');
  assert.equal(server.fetches(), 2);
});

test('a closed guard makes no more requests, and ends its connection', async (t) => {
  const server = await startAuthServer(t);
  const monotonicClock = movedClock();
  const { guard } = await readyGuard(t, server, { monotonicClock });
  await until(() => server.fetches() === 2 && server.streams.size === 1);
  guard.close();
  await until(() => server.streams.size === 0);
  monotonicClock.ahead = 600_000;
  await verdict(guard, tokenOf(claimsOf(), { header: { kid: 'unknown' } }));
  await sleep(300);
  assert.equal(server.requests.length, 3);
  const { guard: another } = guardOf(t, server);
  another.close();
  await sleep(300);
  assert.equal(server.streams.size, 0, 'closed before it was connected');
});

test('sets of keys that are dangerous are rejected, and keys that cannot be used are skipped', async (t) => {
  const good = keyPair('good');
  const server = await startAuthServer(t, { jwks: { keys: [good.jwk] } });
  const { guard, log } = await readyGuard(t, server);
  const rsa = (bits, publicExponent = 65537) =>
    keyPair('weak', 'rsa', { modulusLength: bits, publicExponent }, 'RS256').jwk;
  const publish = async (keys, logged) => {
    server.jwks = keys instanceof Array ? { keys } : keys;
    log.length = 0;
    server.send('keys', {});
    await until(() => log.some((line) => line.includes(logged)), logged);
  };
  for (const [keys, problem] of [
    [[good.jwk, { kty: 'oct', k: 'c2VjcmV0', kid: 'x' }], 'private members'],
    [[{ ...good.jwk, d: good.jwk.x }], 'private members'],
    [[good.jwk, { ...keyPair('good').jwk }], 'two keys with the same kid'],
    [Array.from({ length: 65 }, (_, at) => ({ kty: 'x', kid: `${at}` })), 'more than 64 keys'],
    [{ keys: {} }, 'not a set of keys'],
    [{ keys: [7] }, 'not a set of keys'],
    [[{ kty: 'OKP', crv: 'X25519', kid: 'x' }], 'none of its keys can be used'],
  ]) {
    await publish(keys, problem);
    assert.equal(await verdict(guard, good.token()), 'accepted', `the last good keys stay in use: ${problem}`);
    await publish([good.jwk], 'publishes the keys: good (EdDSA)');
  }
  for (const [jwk, problem] of [
    [rsa(1024), 'it is an RSA key of less than 2048'],
    [rsa(2048, 3), 'its RSA exponent'],
    [{ ...rsa(2048), alg: 'RS512' }, 'it is not Ed25519'],
    [{ ...keyPair('x').jwk, use: 'enc' }, 'it is not for verifying'],
    [{ ...keyPair('x').jwk, x: 'AAAA' }, 'its members'],
    [{ ...keyPair('x', 'ec', { namedCurve: 'P-256' }).jwk, y: good.jwk.x }, 'its numbers'],
    [keyPair('x', 'ec', { namedCurve: 'P-384' }).jwk, 'it is not Ed25519'],
  ]) {
    await publish([good.jwk, jwk], `good (EdDSA), one unused: ${problem}`);
    assert.equal(await verdict(guard, good.token()), 'accepted', problem);
  }
  await publish([], 'publishes the keys: none');
  assert.equal(await verdict(guard, good.token()), 'unknown_key', 'an empty set revokes all keys');
});

test('auth-server may have a certificate of the authorities in AUTH_SERVER_CA_FILE, and no other', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'goptri-tls.'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name));
  const options =
    '-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -addext subjectAltName=IP:127.0.0.1';
  execFileSync('openssl', ['req', ...options.split(' '), '-keyout', key, '-out', cert], { stdio: 'pipe' });
  const server = await startAuthServer(t, { tls: { key: readFileSync(key), cert: readFileSync(cert) } });
  const trusting = await readyGuard(t, server, { authServerCaFile: cert });
  assert.equal(await verdict(trusting.guard, tokenOf()), 'accepted');
  const { log } = guardOf(t, server);
  await until(() => log.filter((line) => line.includes('self-signed certificate')).length === 2);
});
