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
  assert.equal(await verdict(guard, tokenOf(claimsOf({ sid: 's' }), { secret: support.OTHER_SECRET })), 'invalid');
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
  await until(() => server.streams.size === 2 && server.fetches() >= 2);
  server.send(server.heartbeat());
  await sleep(50);
  assert.deepEqual([await verdict(guard, tokenOf()), guard.ready()], ['not_caught_up', false]);
  assert.equal(await verdict(guard, 'x'), 'invalid', 'other tokens are still invalid');
  const get = await support.startExpress(t, guard);
  const { status, body, headers } = await get('/photos', { headers: support.bearer(tokenOf()) });
  assert.deepEqual([status, body.error, headers['retry-after']], [503, 'temporarily_unavailable', '1']);
  const sentence = 'The service is temporarily unavailable; try again after the seconds in the Retry-After header.';
  assert.equal(body.error_description, sentence);
  monotonicClock.ahead = 61_000;
  assert.deepEqual([await verdict(guard, tokenOf()), guard.ready()], ['accepted', true]);
  assert.deepEqual([await verdict(strict, tokenOf()), strict.ready()], ['stale', false]);
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
    await until(() => log.some((line) => line.startsWith('warn goptri: the revocations are stale')));
  }
  await server.listen(server.port);
  await until(() => refuse.guard.ready());
  assert.equal(await verdict(refuse.guard, tokenOf()), 'accepted');
  assert.equal(refuse.log.filter((line) => line.includes('connected to the revocation feed')).length, 2);
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
  assert.ok(log.some((line) => line.includes('the revocation feed is disconnected')));
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
    { subject: 'b', expires_in: '1' },
    { subject: 'c', revoked_at: '1' },
    { subject: 'good', more: [] },
  );
  server.send('revocations', { entries: [null, 7, entryOf({ subject: 'last' })] });
  for (const sid of ['good', 'last']) await until(isRevoked(guard, tokenOf(claimsOf({ sid }))), sid);
  for (const sid of ['a', 'b', 'c']) assert.equal(await verdict(guard, tokenOf(claimsOf({ sid }))), 'accepted', sid);
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
  await until(async () => (await verdict(guard, short)) === 'accepted');
  assert.equal(await verdict(guard, long), 'revoked');
});

for (const [about, change, problem] of [
  ['a wrong secret', { feedSecret: 'another' }, 'answers 401; FEED_SECRET is wrong'],
  ['an error', { status: 500 }, 'answers 500'],
  ['a redirect', { status: 302 }, 'answers 302'],
  ['a malformed event', { opening: () => 'event: heartbeat\ndata: {"age_ms":-1}\n\n' }, 'an event is malformed'],
  ['no JSON', { opening: () => 'event: caught-up\ndata: x\n\n' }, 'not valid JSON'],
  ['no list', { opening: () => 'event: revocations\ndata: {}\n\n' }, 'is not iterable'],
  ['data without an end', { opening: () => `data: ${'x'.repeat(2 * 1024 * 1024)}` }, 'exceeding the configured max'],
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
  return { jwk: { ...publicKey.export({ format: 'jwk' }), kid }, privateKey, token };
}

test('published keys verify besides the secret, and are fetched again after a keys event', async (t) => {
  const [first, second] = [keyPair('first'), keyPair('second')];
  const server = await startAuthServer(t, { jwks: { keys: [first.jwk] } });
  const { guard } = await readyGuard(t, server);
  assert.equal(await verdict(guard, first.token()), 'accepted');
  assert.equal(await verdict(guard, tokenOf()), 'accepted');
  assert.equal(await verdict(guard, second.token()), 'invalid');
  server.jwks = { keys: [second.jwk] };
  server.send('keys', {});
  await until(async () => (await verdict(guard, second.token())) === 'accepted');
  assert.equal(await verdict(guard, first.token()), 'invalid', 'a key that is no longer published');
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

test('without a secret, an empty set of keys rejects no token for good', async (t) => {
  const pair = keyPair('p');
  const server = await startAuthServer(t, { jwks: { keys: [] } });
  const { guard } = guardOf(t, server, { accessTokenSecret: '' });
  await until(() => server.fetches() > 1);
  assert.deepEqual([await verdict(guard, pair.token()), guard.ready()], ['keys_unavailable', false]);
  server.jwks = { keys: [pair.jwk] };
  await until(async () => (await verdict(guard, pair.token())) === 'accepted');
  assert.ok(guard.ready());
});

test('while no keys were fetched, a token with an unknown key gets 503', async (t) => {
  const pair = keyPair('p');
  const server = await startAuthServer(t, { jwks: { keys: [pair.jwk] } });
  Object.assign(server, { jwksStatus: 302, jwksHeaders: { location: '/elsewhere' } });
  const { guard, log } = guardOf(t, server, { accessTokenSecret: '' });
  await until(() => log.some((line) => line.includes('answers 302')));
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

test('keys are fetched again every thirty seconds, and ten seconds after the last time for an unknown one', async (t) => {
  const server = await startAuthServer(t);
  const pair = keyPair('new');
  const clock = { now: 0 };
  const { guard } = await readyGuard(t, server, { monotonicClock: () => clock.now, feedSecret: '' });
  for (let fetches = 2; fetches < 12; fetches += 1) {
    clock.now += 30_000;
    await until(() => server.fetches() === fetches);
  }
  clock.now += 9_999;
  await sleep(300);
  assert.equal(server.fetches(), 11);
  server.jwks = { keys: [pair.jwk] };
  for (let round = 0; round < 100; round += 1) assert.equal(await verdict(guard, pair.token()), 'invalid');
  await sleep(300);
  assert.equal(server.fetches(), 11, 'ten seconds have not passed since the last fetch');
  clock.now += 1;
  await until(async () => (await verdict(guard, pair.token())) === 'accepted');
  clock.now += 19_999;
  await sleep(300);
  assert.equal(server.fetches(), 12, 'known keys cause no fetch');
});

test('a closed guard makes no more requests, and ends its connection', async (t) => {
  const server = await startAuthServer(t);
  const { guard } = await readyGuard(t, server);
  await until(() => server.streams.size === 1);
  guard.close();
  await until(() => server.streams.size === 0);
  const before = server.requests.length;
  await sleep(1_000);
  assert.equal(server.requests.length, before);
  const { guard: another, log } = guardOf(t, server);
  another.close();
  await sleep(300);
  assert.equal(server.streams.size, 0, 'closed before it was connected');
  assert.deepEqual(log, []);
});

test('only public keys of the right kind verify, and a broken set does not replace a good one', async (t) => {
  const good = keyPair('good');
  const server = await startAuthServer(t, { jwks: { keys: [good.jwk] } });
  const { guard, log } = await readyGuard(t, server);
  const publish = async (jwks) => {
    server.jwks = jwks;
    const before = server.fetches();
    server.send('keys', {});
    await until(() => server.fetches() > before);
    await sleep(50);
  };
  const twice = { keys: [good.jwk, { kty: 'later', kid: 'good' }] };
  for (const jwks of [{}, [], { keys: {} }, { keys: [7] }, { keys: [good.jwk, good.jwk] }, twice]) {
    await publish(jwks);
    assert.equal(await verdict(guard, good.token()), 'accepted', JSON.stringify(jwks));
  }
  assert.ok(log.some((line) => line.includes('the public keys cannot be fetched: JSON Web Key Set malformed')));
  assert.ok(log.some((line) => line.includes('the public keys cannot be fetched: two keys have one kid')));
  const secret = Buffer.from(support.OTHER_SECRET).toString('base64url');
  const oct = { kty: 'oct', k: secret, kid: support.kidOf(support.OTHER_SECRET) };
  await publish({ keys: [good.jwk, oct] });
  assert.equal(await verdict(guard, tokenOf(claimsOf(), { secret: support.OTHER_SECRET })), 'invalid');
  assert.equal(await verdict(guard, good.token()), 'accepted');
  const { jwk: weak, privateKey } = keyPair('weak', 'rsa', { modulusLength: 1024 });
  await publish({ keys: [good.jwk, weak] });
  const input = tokenOf(claimsOf(), { header: { kid: 'weak', alg: 'RS256' } }).replace(/\.[^.]*$/, '');
  const signature = sign('sha256', Buffer.from(input), privateKey).toString('base64url');
  assert.equal(await verdict(guard, `${input}.${signature}`), 'invalid', 'an RSA key of less than 2048 bits');
  for (const changes of [{ use: 'enc' }, { key_ops: ['sign'] }, { alg: 'ES256' }, { kid: 'other' }]) {
    await publish({ keys: [{ ...good.jwk, ...changes }] });
    assert.equal(await verdict(guard, good.token()), 'invalid', JSON.stringify(changes));
  }
  await publish({ keys: [good.jwk] });
  assert.equal(await verdict(guard, good.token()), 'accepted');
  await publish({ keys: [] });
  assert.equal(await verdict(guard, good.token()), 'invalid', 'an empty set revokes all keys');
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
