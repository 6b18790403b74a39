import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { createClient, memoryStorage } from '../dist/index.js';
import { rejected, start } from './scripted-server.js';

// Node keeps no cookies: the server of these tests says what the cookies of a browser would have said.

const ANN = { email: 'ann@example.com', password: 'correct horse battery staple' };
const USER = { id: '1', email: ANN.email, roles: [] };

let server;
afterEach(() => server.stop());

/** A site whose cookies are those of a user or of none, and whose access cookie may have expired. */
async function site(cookies, answers) {
  server = await start({
    'POST /login': () => {
      cookies.session = 'fresh';
      return [200, { expires_in: 900 }];
    },
    'POST /token': () => {
      if (!cookies.session) return rejected(400, 'invalid_grant')();
      cookies.session = 'fresh';
      return [200, { expires_in: 900 }];
    },
    'DELETE /token': () => {
      cookies.session = undefined;
      return [204, ''];
    },
    'GET /currentuser': () => [200, { currentUser: cookies.session === 'fresh' ? USER : null }],
    'GET /photos': () => (cookies.session === 'fresh' ? [200, 'photos'] : rejected(401, 'invalid_token')()),
    ...answers,
  });
}

function client(storage = memoryStorage()) {
  return createClient({ authServer: server.url, api: server.url, mode: 'cookie', storage });
}

test('a sign-in asks for cookies, and no token is sent or stored', async () => {
  await site({});
  const storage = memoryStorage();
  const goptri = client(storage);
  await goptri.signIn({ ...ANN, remember: true });
  assert.deepEqual(JSON.parse(server.to('/login')[0].text), { ...ANN, remember: true, cookie: true });
  assert.equal((await goptri.fetch('/photos')).status, 200);
  assert.equal(server.to('/photos')[0].headers.authorization, undefined);
  assert.deepEqual(Object.keys(JSON.parse(storage.getItem(`goptri ${server.url}`))), ['expires']);
});

test('an expired access cookie is renewed by the refresh cookie', async () => {
  const cookies = {};
  await site(cookies);
  const goptri = client();
  await goptri.signIn(ANN);
  cookies.session = 'expired';
  const statuses = await Promise.all([1, 2].map(async () => (await goptri.fetch('/photos')).status));
  assert.deepEqual(statuses, [200, 200]);
  cookies.session = 'expired';
  assert.deepEqual(await goptri.currentUser(), USER);
  assert.deepEqual(
    server.to('/token').map(({ text }) => text),
    ['{"cookie":true}', '{"cookie":true}'],
  );
});

test('cookies that outlived the storage are found, and a visitor without any is asked about once', async () => {
  await site({ session: 'expired' });
  assert.deepEqual(await client().currentUser(), USER);
  server.stop();

  await site({});
  const changes = [];
  const visitor = client();
  visitor.onChange((change) => changes.push(change));
  assert.equal(await visitor.currentUser(), null);
  assert.equal(await visitor.currentUser(), null);
  assert.equal((await visitor.fetch('/photos')).status, 401);
  assert.equal(server.to('/token').length, 1);
  assert.deepEqual(changes, [], 'a visitor does not sign out');
});

test('a sign-in on another page of the site is found and kept fresh', async () => {
  const cookies = {};
  await site(cookies);
  const goptri = client();
  assert.equal(await goptri.currentUser(), null);
  cookies.session = 'fresh';
  assert.deepEqual(await goptri.currentUser(), USER);
  cookies.session = 'expired';
  assert.equal((await goptri.fetch('/photos')).status, 200);
});

test('a sign-out ends the session by the refresh cookie, and by the access cookie if there is no other', async () => {
  await site({});
  const goptri = client();
  await goptri.signIn(ANN);
  await goptri.signOut();
  assert.equal(server.to('/logout').length, 0);
  assert.equal(await goptri.currentUser(), null);
  server.stop();

  await site({}, { 'DELETE /token': rejected(400, 'invalid_request'), 'DELETE /logout': () => [204, ''] });
  await client().signOut();
  assert.equal(server.to('/logout').length, 1);
  server.stop();

  const nothing = rejected(400, 'invalid_request');
  await site({}, { 'DELETE /token': nothing, 'DELETE /logout': nothing });
  await client().signOut();
  server.stop();

  await site({}, { 'DELETE /token': rejected(503, 'temporarily_unavailable', { 'Retry-After': '60' }) });
  await assert.rejects(client().signOut(), { status: 503, retryAfter: 60 });
  assert.equal(server.to('/logout').length, 0);
});

test('a rejection for its origin signs no user out', async () => {
  const cookies = { session: 'expired' };
  await site(cookies, { 'POST /token': rejected(403, 'cross_site_request') });
  const goptri = client();
  await goptri.signIn(ANN);
  cookies.session = 'expired';
  await assert.rejects(goptri.fetch('/photos'), { code: 'cross_site_request', status: 403 });
  cookies.session = 'fresh';
  assert.equal((await goptri.fetch('/photos')).status, 200);
});
