import assert from 'node:assert/strict';
import { ServerResponse } from 'node:http';
import { test } from 'node:test';
import fastify from 'fastify';
import { auth, requiredScopes } from '@goptri/express/fastify';
import { tokenOf as tokenOfRequest } from '../dist/request.js';
import * as support from './support.js';

const { bearer, claimsOf, cookieOf, tokenOf } = support;

const INVALID = {
  error: 'invalid_token',
  error_description: 'The token is malformed, expired, revoked or for another service.',
};
const VARY = 'Sec-Fetch-Site, Origin, Cookie';

async function startFastify(t, guard, inner = guard) {
  const app = fastify({ maxHeaderSize: 32 * 1024 });
  const seen = async ({ auth: caller }, reply) =>
    reply.header('Cache-Control', 'public').send({ caller: caller?.subject ?? null });
  const route = (url, ...onRequest) => app.all(url, { onRequest }, seen);
  route('/photos', auth(guard));
  route('/read', auth(guard), requiredScopes('photos:read'));
  route('/write', auth(guard), requiredScopes('photos:read', 'photos:write'));
  route('/nested', auth(guard), auth(inner));
  route('/forgotten', requiredScopes('photos:read'));
  await app.ready();
  return support.listen(t, app.server);
}

/** The same tests for both frameworks. */
function forEach(about, run) {
  for (const [name, start] of [
    ['Express', support.startExpress],
    ['Fastify', startFastify],
  ]) {
    test(`${name}: ${about}`, async (t) => {
      const server = await support.startAuthServer(t);
      const { guard, log } = await support.readyGuard(t, server);
      const nested = (inner) => start(t, guard, inner);
      await run({ get: await start(t, guard), nested, t, server, guard, log });
    });
  }
}

forEach('a valid token sets the caller, and any other gets 401 with one body', async ({ get, log }) => {
  const { status, body, headers } = await get('/photos', { headers: bearer(tokenOf()) });
  assert.deepEqual(
    [status, body, headers['cache-control'], headers.vary],
    [200, { caller: 'ann' }, 'public', undefined],
  );
  for (const scheme of ['bearer', 'BEARER', 'Bearer  ']) {
    assert.equal(
      (await get('/photos', { headers: ['Authorization', `${scheme} ${tokenOf()}  `] })).status,
      200,
      scheme,
    );
  }
  const expired = tokenOf(claimsOf({ iat: 1, exp: 2 }));
  for (const token of [
    '',
    'x',
    'ÿ',
    expired,
    tokenOf(claimsOf({ aud: 'x' })),
    `${tokenOf()}x`,
    `${tokenOf()} ${tokenOf()}`,
  ]) {
    const rejected = await get('/photos', { headers: bearer(token) });
    assert.deepEqual([rejected.status, rejected.body], [401, INVALID], token);
    assert.equal(rejected.headers['www-authenticate'], 'Bearer error="invalid_token"');
    assert.equal(rejected.headers['content-type'].split(';')[0], 'application/json');
  }
  assert.ok(log.includes('info goptri: access token rejected: expired'));
  assert.ok(!log.some((line) => line.includes(expired.split('.')[2])));
});

forEach('a request without a bearer token gets 401 missing_token', async ({ get }) => {
  const body = {
    error: 'missing_token',
    error_description: 'This route needs an access token; send it as Authorization: Bearer and the token.',
  };
  for (const headers of [
    [],
    ['Authorization', 'Basic YTpi'],
    ['Authorization', ''],
    ['Authorization', `Bearer${tokenOf()}`],
  ]) {
    const rejected = await get(`/photos?access_token=${tokenOf()}`, { headers });
    assert.deepEqual([rejected.status, rejected.body], [401, body]);
    assert.deepEqual([rejected.headers['www-authenticate'], rejected.headers.vary], ['Bearer', VARY]);
  }
});

forEach('two Authorization headers get 400, even if they are equal', async ({ get }) => {
  for (const second of [bearer(tokenOf()), ['authorization', ''], ['AUTHORIZATION', 'Basic YTpi']]) {
    const { status, body, headers } = await get('/photos', { headers: [...bearer(tokenOf()), ...second] });
    assert.deepEqual([status, body.error, headers['www-authenticate']], [400, 'invalid_request', undefined]);
    assert.equal(body.error_description, 'The request has more than one Authorization header; send one.');
  }
});

forEach('a token of 8 KiB is read, and one byte more is too long', async ({ get, log }) => {
  // Not every length can be reached with the payload alone.
  const sized = (length) => {
    for (const more of ['', 'x', 'xx']) {
      for (let pad = 5_700; pad < 6_000; pad += 1) {
        const token = tokenOf(claimsOf({ pad: 'x'.repeat(pad) }), { header: { more } });
        if (token.length === length) return token;
      }
    }
    throw new Error(`no token has ${length} bytes`);
  };
  assert.equal((await get('/photos', { headers: bearer(sized(8 * 1024)) })).status, 200);
  assert.equal((await get('/photos', { headers: bearer(sized(8 * 1024 + 1)) })).status, 401);
  assert.ok(log.at(-1).endsWith('too long'));
});

forEach('a missing scope gets 403', async ({ get }) => {
  const at = async (path, token = tokenOf()) => get(path, { headers: bearer(token) });
  assert.equal((await at('/read')).status, 200);
  const { status, body, headers } = await at('/write');
  const challenge = 'Bearer error="insufficient_scope", scope="photos:read photos:write"';
  assert.deepEqual([status, body.error, headers['www-authenticate']], [403, 'insufficient_scope', challenge]);
  assert.equal(body.error_description, 'The access token lacks the scope or role that this route needs.');
  assert.equal((await at('/read', tokenOf(claimsOf({ scope: 'photos:reader photos' })))).status, 403);
  const client = tokenOf(claimsOf({ sub: 'goptri', sid: undefined }));
  assert.equal((await at('/photos', client)).body.caller, 'goptri');
});

forEach('a route without auth before its check of scopes rejects every caller', async ({ get }) => {
  const { status, body } = await get('/forgotten', { headers: bearer(tokenOf()) });
  assert.deepEqual([status, body.error], [401, 'missing_token']);
});

forEach('behind two guards, the caller is that of the inner one', async ({ t, nested, server }) => {
  const aud = ['https://inner.example', support.AUDIENCE];
  const get = await nested((await support.readyGuard(t, server, { audience: aud[0] })).guard);
  const at = async (path, token) => {
    const { status, body } = await get(path, { headers: bearer(token) });
    return [status, body.caller];
  };
  assert.deepEqual(await at('/nested', tokenOf(claimsOf({ aud }))), [200, 'ann']);
  assert.deepEqual(await at('/nested', tokenOf(claimsOf({ aud: aud[0] }))), [401, undefined]);
  assert.deepEqual(await at('/nested', tokenOf()), [401, undefined], 'the outer guard alone accepts it');
});

forEach('the session cookie counts if there is no Authorization header', async ({ get }) => {
  const cookie = ['Cookie', `a=b; __Host-session=${cookieOf(tokenOf())}; c=d`];
  const { status, body, headers } = await get('/photos', { headers: cookie });
  assert.deepEqual([status, body], [200, { caller: 'ann' }]);
  assert.deepEqual([headers['cache-control'], headers.vary], ['private, no-store', VARY]);
  for (const header of [
    ['Authorization', ''],
    ['Authorization', 'Basic YTpi'],
  ]) {
    const ignored = await get('/photos', { headers: [...cookie, ...header] });
    assert.deepEqual([ignored.status, ignored.body.error], [401, 'missing_token']);
  }
  const invalid = await get('/photos', { headers: ['Cookie', '__Host-session=x'] });
  assert.deepEqual([invalid.status, invalid.headers['cache-control']], [401, 'private, no-store']);
});

forEach('two session cookies are invalid, in one header and in two', async ({ get, log }) => {
  const pair = `__Host-session=${cookieOf(tokenOf())}`;
  for (const headers of [
    ['Cookie', `${pair}; ${pair}`],
    ['Cookie', pair, 'Cookie', `a=b;${pair}`],
  ]) {
    assert.equal((await get('/photos', { headers })).status, 401);
    assert.ok(log.at(-1).endsWith('two cookies'));
  }
});

forEach('an unsafe request with a cookie must come from a known page', async ({ get }) => {
  const cookie = ['Cookie', `__Host-session=${cookieOf(tokenOf())}`];
  const table = [
    [[], 403],
    [['Sec-Fetch-Site', 'same-origin'], 200],
    [['Sec-Fetch-Site', 'none'], 200],
    [['Sec-Fetch-Site', 'same-site'], 403],
    [['Sec-Fetch-Site', 'cross-site', 'Origin', 'https://evil.example'], 403],
    [['Sec-Fetch-Site', 'same-origin', 'Sec-Fetch-Site', 'same-origin'], 403],
    [['Origin', support.ISSUER], 200],
    [['Origin', support.AUDIENCE], 200],
    [['Origin', 'null'], 403],
    [['Origin', `${support.AUDIENCE}/`], 403],
    [['Origin', support.ISSUER, 'Origin', support.ISSUER], 403],
  ];
  for (const [origin, expected] of [[support.ISSUER, 200], ['https://evil.example', 403]]) {
    const headers = [...cookie, 'Sec-WebSocket-Version', '13', 'Origin', origin];
    assert.equal((await get('/photos', { headers })).status, expected);
  }
  for (const [headers, expected] of table) {
    for (const method of ['POST', 'DELETE']) {
      const { status, body } = await get('/photos', { method, headers: [...cookie, ...headers] });
      assert.equal(status, expected, `${method} ${headers}`);
      if (status === 403) assert.equal(body.error, 'cross_site_request');
    }
    assert.equal((await get('/photos', { headers: [...cookie, ...headers] })).status, 200, 'a safe method');
    const own = await get('/photos', { method: 'POST', headers: [...bearer(tokenOf()), ...headers] });
    assert.equal(own.status, 200, 'no browser attaches a bearer token');
  }
  const foreign = await get('/photos', { method: 'POST', headers: ['Cookie', '__Host-session=x'] });
  assert.equal(foreign.status, 403, 'before the cookie is verified');
});

forEach('a revoked session gets 401 at once', async ({ get, server }) => {
  const at = async () => (await get('/photos', { headers: bearer(tokenOf()) })).status;
  assert.equal(await at(), 200);
  server.revoke({ subject: 'session-1' });
  await support.until(async () => (await at()) === 401);
});

test('a megabyte of spaces costs no time', () => {
  const spaces = `x${' '.repeat(1_000_000)}x`;
  const rules = { cookieName: 'session', allowedOrigins: [] };
  const response = new ServerResponse({});
  const began = performance.now();
  const request = { method: 'GET', headers: {}, rawHeaders: ['Authorization', `Bearer ${spaces}`] };
  assert.equal(tokenOfRequest(request, response, rules), spaces);
  const cookie = `a=b;${spaces}; session=${cookieOf('y')}`;
  assert.equal(tokenOfRequest({ method: 'GET', headers: { cookie }, rawHeaders: [] }, response, rules), 'y');
  assert.ok(performance.now() - began < 1_000);
});

test('the value of a cookie is strict base64 of strict JSON', async (t) => {
  const { guard } = await support.readyGuard(t, await support.startAuthServer(t));
  const get = await support.startExpress(t, guard);
  const base64 = (text) => Buffer.from(text).toString('base64');
  // The last group has four unused bits, which strict base64 wants to be zero.
  const good = cookieOf(
    tokenOf(claimsOf({ jti: ['x', 'xx', 'xxx'].find((jti) => cookieOf(tokenOf(claimsOf({ jti }))).endsWith('==')) })),
  );
  const token = tokenOf();
  const bad = [
    '',
    'nonsense',
    token,
    good.replace(/=+$/, ''),
    good.replace('==', '%3D%3D'),
    `"${good}"`,
    good.replace(/.==$/, '/=='),
    base64('{}'),
    base64('null'),
    base64(`["${token}"]`),
    base64('{"jwt":null}'),
    base64(`{"jwt":["${token}"]}`),
    base64(`{"jwt":"${token}"} x`),
    base64(`{"jwt":"${token}","jwt":"${token}"}`),
    base64(`\ufeff{"jwt":"${token}"}`),
    base64(`{"jwt":"${token.replace('.', '\\u002e')}"}`),
    base64(`{"x":[],"x":[],"jwt":"${token}"}`),
    cookieOf(tokenOf(claimsOf({ pad: 'x'.repeat(2_500) }))),
  ];
  for (const value of bad) {
    assert.equal((await get('/photos', { headers: ['Cookie', `__Host-session=${value}`] })).status, 401, value);
  }
  for (const value of [good, base64(`{"views":3,"jwt":"${token}","user":{"jwt":"x"}}`)]) {
    assert.equal((await get('/photos', { headers: ['Cookie', `\t__Host-session=${value}\t`] })).status, 200);
  }
  for (const name of ['session', '__host-session', '__Host-session2', 'x__Host-session', '__Host-session ']) {
    const { body } = await get('/photos', { headers: ['Cookie', `${name}=${good}`] });
    assert.equal(body.error, 'missing_token', name);
  }
});
