import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { createGuard, SettingsError } from '@goptri/express';
import * as support from './support.js';

const { claimsOf, FEED_SECRET, OTHER_SECRET, SECRET, tokenOf, until, verdict } = support;
const QUIET = { info() {}, warn() {} };
/** Nothing listens there. */
const BASE = {
  ISSUER: 'https://auth.example',
  AUDIENCE: 'https://api.example',
  ACCESS_TOKEN_SECRET: SECRET,
  FEED_SECRET,
  AUTH_SERVER_URL: 'http://127.0.0.1:1',
};

/** The problems of these variables. `undefined` removes one. */
function problemsOf(changes, options = {}) {
  try {
    createGuard({ environment: { ...BASE, ...changes }, logger: QUIET, ...options }).close();
    return [];
  } catch (error) {
    assert.ok(error instanceof SettingsError, String(error.stack));
    return error.problems;
  }
}

function folderOf(t) {
  const folder = mkdtempSync(join(tmpdir(), 'goptri-node.'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('valid settings are accepted', () => {
  for (const changes of [
    {},
    { ISSUER: undefined, AUDIENCE: undefined, AUTH_SERVER_URL: undefined },
    { FEED_SECRET: '' },
    { ACCESS_TOKEN_SECRET: '' },
    { ACCESS_TOKEN_SECRET: `${SECRET},${OTHER_SECRET}` },
    { AUDIENCE: 'photos' },
    { CLOCK_LEEWAY: '0' },
    { CLOCK_LEEWAY: '500ms' },
    { CLOCK_LEEWAY: '5m' },
    { REVOCATION_MAX_STALENESS: '6s' },
    { REVOCATION_MAX_STALENESS: '7d' },
    { ON_STALE: 'refuse' },
    { CORS_ORIGINS: 'https://a.example, http://localhost:5173' },
    { SESSION_COOKIE_NAME: 'app-1_x' },
    { SESSION_COOKIE_NAME: '__Host-app' },
    { SESSION_COOKIE_DOMAIN: 'auth.example' },
    ...[
      'https://login.example.com/auth',
      'http://localhost:4000',
      'http://[::1]:4000',
      'http://auth-server:4000',
      'http://10.1.2.3:4000',
      'http://192.168.1.2',
      'http://172.31.0.1',
      'http://[fd00::1]:4000',
      'http://auth.internal',
      'http://auth.goptri.svc.cluster.local:4000',
    ].map((AUTH_SERVER_URL) => ({ AUTH_SERVER_URL })),
  ]) {
    assert.deepEqual(problemsOf(changes), [], JSON.stringify(changes));
  }
});

test('each invalid setting is an error that names its variable', () => {
  const table = {
    ISSUER: [
      'http://auth.example',
      'https://auth.example/',
      'auth.example',
      'https://a:b@auth.example',
      'https://auth.example?x',
      'ftp://auth.example',
    ],
    AUDIENCE: ['https://auth.example', 'a b', 'a\n'],
    ACCESS_TOKEN_SECRET: ['short', 'x y'.repeat(20), `${SECRET},`, ',', `${SECRET}\r`],
    FEED_SECRET: ['short', SECRET, `${FEED_SECRET},${SECRET}`],
    CLOCK_LEEWAY: ['30', '6m', '-1s', '1.5s', 'soon', '1h30m', ' 1s'],
    REVOCATION_MAX_STALENESS: ['5s', '0', 'soon'],
    ON_STALE: ['panic', 'Allow'],
    AUTH_SERVER_URL: [
      'http://auth.example',
      'http://8.8.8.8',
      'http://172.32.0.1',
      'http://auth-server/',
      'auth-server',
      'http://me:pw@auth-server',
    ],
    AUTH_SERVER_CA_FILE: ['/nowhere/at/all', 'package.json'],
    CORS_ORIGINS: [
      '*',
      'null',
      'https://a.example/',
      'https://a.example:443',
      'https://A.example',
      'http://a.example',
      'https://*.example',
      'https://a.example,',
    ],
    SESSION_COOKIE_NAME: ['a b', '__session', 'x'.repeat(65), 'sössion'],
    SESSION_COOKIE_DOMAIN: ['example', '.auth.example'],
    ACCESS_TOKEN_SECRET_FILE: ['/nowhere/at/all'],
  };
  for (const [variable, values] of Object.entries(table)) {
    for (const value of values) {
      const changes = { [variable]: value, ...(variable.endsWith('_FILE') && { ACCESS_TOKEN_SECRET: '' }) };
      const problems = problemsOf(changes);
      assert.equal(problems.length, 1, `${variable}=${value}: ${problems}`);
      assert.ok(problems[0].startsWith(`${variable.replace(/_SECRET_FILE$/, '_SECRET')} `), problems[0]);
      if (variable.includes('SECRET')) assert.ok(!problems[0].includes(value), problems[0]);
      assert.ok(!problems[0].includes(':pw@'), problems[0]);
    }
  }
  assert.match(problemsOf({ FEED_SECRET_FILE: '/x' })[0], /^FEED_SECRET and FEED_SECRET_FILE are both set/);
});

test('all problems are reported together, and options replace variables', () => {
  const many = problemsOf({ ISSUER: 'x', CLOCK_LEEWAY: 'x', ON_STALE: 'x', FEED_SECRET: 'x' });
  assert.equal(many.length, 4);
  assert.deepEqual(
    problemsOf(
      { ISSUER: 'x', ACCESS_TOKEN_SECRET_FILE: '/nowhere' },
      {
        issuer: 'https://auth.example',
        accessTokenSecret: SECRET,
      },
    ),
    [],
  );
  assert.equal(problemsOf({}, { clockLeeway: '6m' }).length, 1);
});

test('the name of the cookie has the prefix that follows from issuer and domain', async (t) => {
  const server = await support.startAuthServer(t);
  for (const [options, name] of [
    [{}, '__Host-session'],
    [{ sessionCookieName: 'app' }, '__Host-app'],
    [{ issuer: 'http://localhost:4000' }, 'session'],
    [{ sessionCookieDomain: 'example.com', issuer: 'https://login.example.com' }, '__Secure-session'],
  ]) {
    const { guard } = await support.readyGuard(t, server, options);
    const get = await support.startExpress(t, guard);
    const token = tokenOf(claimsOf({ iss: options.issuer ?? support.ISSUER }));
    const { status } = await get('/photos', { headers: ['Cookie', `${name}=${support.cookieOf(token)}`] });
    assert.equal(status, 200, name);
  }
});

test('pages of CORS_ORIGINS may send unsafe requests with the cookie', async (t) => {
  const { guard } = await support.readyGuard(t, await support.startAuthServer(t), {
    corsOrigins: 'https://app.example',
  });
  const get = await support.startExpress(t, guard);
  const from = async (origin) =>
    (
      await get('/photos', {
        method: 'POST',
        headers: ['Origin', origin, 'Cookie', `__Host-session=${support.cookieOf(tokenOf())}`],
      })
    ).status;
  assert.deepEqual([await from('https://app.example'), await from('https://app.example.evil')], [200, 403]);
});

test('a file of secrets is read again when it changes, and an invalid one is not used', async (t) => {
  const folder = folderOf(t);
  const path = join(folder, 'access');
  const feedPath = join(folder, 'feed');
  writeFileSync(path, `${SECRET}\r\n`);
  writeFileSync(feedPath, `${FEED_SECRET}\n`);
  const server = await support.startAuthServer(t);
  const { guard, log } = await support.readyGuard(t, server, {
    accessTokenSecret: undefined,
    feedSecret: undefined,
    environment: { ACCESS_TOKEN_SECRET_FILE: path, FEED_SECRET_FILE: feedPath },
  });
  const other = tokenOf(claimsOf(), { secret: OTHER_SECRET });
  assert.deepEqual([await verdict(guard, tokenOf()), await verdict(guard, other)], ['accepted', 'invalid']);
  writeFileSync(path, 'short');
  await until(() => log.some((line) => line.includes('ACCESS_TOKEN_SECRET must be')));
  assert.equal(await verdict(guard, tokenOf()), 'accepted');
  writeFileSync(path, FEED_SECRET);
  await until(() => log.some((line) => line.includes('FEED_SECRET must be')));
  // As Kubernetes replaces a secret.
  writeFileSync(join(folder, 'new'), `${OTHER_SECRET},${SECRET}\n`);
  symlinkSync('new', join(folder, 'link'));
  unlinkSync(path);
  renameSync(join(folder, 'link'), path);
  await until(async () => (await verdict(guard, other)) === 'accepted');
  assert.equal(await verdict(guard, tokenOf()), 'accepted');
  writeFileSync(path, OTHER_SECRET);
  await until(async () => (await verdict(guard, tokenOf())) === 'invalid');
  server.feedSecret = 'feed-00112233445566778899aabbccddeeff';
  writeFileSync(feedPath, server.feedSecret);
  await sleep(1_500);
  server.revoke({ subject: 'x' });
  server.cut();
  await until(() => log.some((line) => line.includes('connected to the revocation feed')));
  for (const secret of [SECRET, OTHER_SECRET, FEED_SECRET, server.feedSecret]) assert.ok(!log.join().includes(secret));
});

test('a file that is still being written is not used', async (t) => {
  const path = join(folderOf(t), 'access');
  writeFileSync(path, SECRET);
  const environment = { ACCESS_TOKEN_SECRET_FILE: path };
  const server = await support.startAuthServer(t);
  const { guard, log } = await support.readyGuard(t, server, { accessTokenSecret: undefined, environment });
  for (let round = 0; round < 20; round += 1) {
    writeFileSync(path, `${OTHER_SECRET}-${round}`);
    await sleep(100);
    assert.equal(await verdict(guard, tokenOf()), 'accepted');
  }
  await until(() => log.some((line) => line.includes('the secrets have changed')));
});

test('no inspection of a guard shows a secret', async (t) => {
  const { guard } = await support.readyGuard(t, await support.startAuthServer(t));
  const shown = inspect(guard, { depth: 20, showHidden: true }) + JSON.stringify(guard);
  for (const secret of [SECRET, FEED_SECRET]) assert.ok(!shown.includes(secret));
});

test('a caller has the scopes and roles of its token, until that expires', async (t) => {
  let now = Date.now();
  const { guard } = await support.readyGuard(t, await support.startAuthServer(t), { clock: () => now });
  const caller = await guard.verify(tokenOf());
  assert.deepEqual(
    [caller.hasScope('photos:read'), caller.hasScope('photos'), caller.hasRole('editor'), caller.hasRole('edit')],
    [true, false, true, false],
  );
  const client = await guard.verify(tokenOf(claimsOf({ sub: 'goptri', sid: undefined })));
  assert.deepEqual([client.hasRole('editor'), client.email], [false, undefined], 'a client has no roles');
  now += 931_000;
  assert.equal(await verdict(guard, tokenOf(claimsOf({ iat: caller.claims.iat, exp: caller.exp }))), 'invalid');
});
