import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { createClient, GoptriError, memoryStorage } from '../dist/index.js';
import { accepting, rejected, start, tokens } from './scripted-server.js';

const ANN = { email: 'ann@example.com', password: 'correct horse battery staple' };
const UNAVAILABLE = ['temporarily_unavailable', { 'Retry-After': '0.01' }];

let server;
afterEach(() => server.stop());

/** A server whose refreshes each give the next pair of tokens, and an API that accepts the newest one. */
async function site(answers = {}) {
  let newest = 1;
  const accepted = () => newest;
  server = await start({
    'POST /login': () => tokens(newest),
    'POST /token': () => tokens(++newest),
    'DELETE /logout': () => [204, ''],
    'GET /currentuser': () => [200, { currentUser: { id: '1', email: ANN.email, roles: [] } }],
    'GET /photos': accepting(accepted),
    'PUT /photos/a': accepting(accepted),
    ...answers,
  });
  return { expire: () => newest++ };
}

function client(storage = memoryStorage()) {
  return createClient({ authServer: server.url, api: server.url, mode: 'bearer', storage });
}

async function signedIn(answers, storage) {
  const control = await site(answers);
  const goptri = client(storage);
  await goptri.signIn(ANN);
  return { goptri, ...control };
}

/** The next answers of a route: those of the list, and then the last one again and again. */
function sequence(...answers) {
  return (request) => (answers.length > 1 ? answers.shift() : answers[0])(request);
}

/** The refresh tokens that were sent. */
const presented = () => server.to('/token').map(({ text }) => JSON.parse(text).refresh_token);

test('a sign-in sends the credentials, and requests then carry the access token', async () => {
  const { goptri } = await signedIn();
  assert.deepEqual(JSON.parse(server.to('/login')[0].text), ANN);
  assert.equal((await goptri.fetch('/photos')).status, 200);
  assert.equal((await goptri.fetch(new URL('/photos', server.url))).status, 200);
  assert.equal(server.to('/token').length, 0);
});

test('a rejected sign-in fails with the code, the status and the time to wait', async () => {
  await site({ 'POST /login': rejected(429, 'too_many_requests', { 'Retry-After': '7' }) });
  const failed = client().signIn(ANN);
  await assert.rejects(failed, (error) => {
    assert.ok(error instanceof GoptriError && error instanceof Error);
    assert.deepEqual([error.code, error.status, error.retryAfter, error.message], ['too_many_requests', 429, 7, 'No.']);
    return true;
  });
  assert.equal(server.to('/login').length, 1, 'a sign-in is not repeated');
});

test('many requests that get 401 share one refresh and are repeated once with their bodies', async () => {
  const { goptri, expire } = await signedIn();
  expire();
  const put = () => goptri.fetch('/photos/a', { method: 'PUT', body: 'pixels', headers: { 'X-Name': 'a' } });
  const whole = new Request(`${server.url}/photos/a`, { method: 'PUT', body: 'pixels' });
  // The server's next refresh gives token 3.
  const responses = await Promise.all([put(), put(), goptri.fetch(whole), goptri.fetch('/photos')]);
  assert.deepEqual(responses.map(({ status }) => status), [200, 200, 200, 200]);
  assert.deepEqual(await responses[0].json(), { text: 'pixels' });
  assert.deepEqual(await responses[2].json(), { text: 'pixels' });
  assert.deepEqual(presented(), ['refresh-1']);
  assert.equal(server.to('/photos/a')[0].headers['x-name'], 'a');
});

test('a body that is a stream is not repeated, but the session is fresh for it', async () => {
  const { goptri, expire } = await signedIn();
  expire();
  const stream = () => new Blob(['pixels']).stream();
  const put = () => goptri.fetch('/photos/a', { method: 'PUT', body: stream(), duplex: 'half' });
  assert.equal((await put()).status, 401);
  assert.equal(server.to('/photos/a').length, 1);
  server.stop();

  const expired = await signedIn({ 'POST /login': () => tokens(1, 0.001) });
  await new Promise((resolve) => setTimeout(resolve, 5));
  const response = await expired.goptri.fetch('/photos/a', { method: 'PUT', body: stream(), duplex: 'half' });
  assert.equal(response.status, 200);
  assert.equal(server.to('/photos/a').length, 1, 'refreshed before it was sent');
});

test('a 401 that a refresh does not change is returned after one repetition', async () => {
  const { goptri } = await signedIn({ 'GET /photos': rejected(401, 'invalid_token') });
  const response = await goptri.fetch('/photos');
  assert.equal(response.status, 401);
  assert.equal((await response.json()).error, 'invalid_token');
  assert.deepEqual([server.to('/photos').length, server.to('/token').length], [2, 1]);
});

test('other origins and requests with a header of their own get no token', async () => {
  const { goptri } = await signedIn();
  const other = await start({ 'GET /': ({ headers }) => [401, headers.authorization ?? 'none'] });
  try {
    assert.equal(await (await goptri.fetch(`${other.url}/`)).text(), 'none');
    assert.equal(await (await goptri.fetch(new Request(`${other.url}/`))).text(), 'none');
    assert.equal(other.to('/').length, 2, 'and their 401 is theirs');
  } finally {
    other.stop();
  }
  const own = await goptri.fetch('/photos', { headers: { Authorization: 'Basic x' } });
  assert.equal(own.status, 401);
  assert.equal(server.to('/token').length, 0);
});

test('a lost response, a cut one and a 503 are tried again with the same token', async () => {
  const cut = () => [200, '{"access_token":"a', { 'Content-Length': '500' }];
  for (const lost of [() => null, cut, rejected(503, ...UNAVAILABLE), rejected(502, 'bad_gateway')]) {
    const { goptri, expire } = await signedIn({ 'POST /token': sequence(lost, () => tokens(2)) });
    expire();
    assert.equal((await goptri.fetch('/photos')).status, 200, lost.toString());
    assert.deepEqual(presented(), ['refresh-1', 'refresh-1']);
    server.stop();
  }
});

test('no failure but the final one signs the user out', async () => {
  const page = () => [200, '<html>Sign in to the hotel</html>'];
  const failures = [
    [() => null, 'network', 0, 3],
    [rejected(503, ...UNAVAILABLE), 'temporarily_unavailable', 503, 3],
    [rejected(503, 'temporarily_unavailable', { 'Retry-After': '30' }), 'temporarily_unavailable', 503, 1],
    [page, 'unexpected_response', 200, 1],
    [() => [200, { welcome: true }], 'unexpected_response', 200, 1],
    [() => [200, { expires_in: 900 }], 'unexpected_response', 200, 1],
    [() => [401, '<html>Proxy</html>'], 'unexpected_response', 401, 1],
    [rejected(400, 'invalid_request'), 'invalid_request', 400, 1],
    [rejected(401, 'invalid_token'), 'invalid_token', 401, 1],
    [rejected(403, 'forbidden'), 'forbidden', 403, 1],
    [() => [307, '', { Location: '/photos' }], 'network', 0, 3],
  ];
  for (const [failure, code, status, tries] of failures) {
    const changes = [];
    let fails = true;
    const { goptri, expire } = await signedIn({ 'POST /token': () => (fails ? failure() : tokens(2)) });
    goptri.onChange((change) => changes.push(change));
    expire();
    await assert.rejects(goptri.fetch('/photos'), (error) => {
      assert.deepEqual([error.name, error.code, error.status], ['GoptriError', code, status]);
      return true;
    });
    assert.equal(server.to('/token').length, tries, code);
    fails = false;
    if (tries === 1 && status === 503) {
      // The server has asked to wait: no request before that.
      await assert.rejects(goptri.fetch('/photos'), { code, retryAfter: 30 });
      assert.equal(server.to('/token').length, 1);
    } else {
      if (status === 503) await new Promise((resolve) => setTimeout(resolve, 15));
      assert.equal((await goptri.fetch('/photos')).status, 200, code);
      assert.deepEqual(new Set(presented()), new Set(['refresh-1']));
    }
    assert.deepEqual(changes, []);
    server.stop();
  }
});

test('invalid_grant ends the session, and the 401 is returned', async () => {
  const changes = [];
  const { goptri, expire } = await signedIn({ 'POST /token': rejected(400, 'invalid_grant') });
  goptri.onChange((change) => changes.push(change));
  expire();
  assert.equal((await goptri.fetch('/photos')).status, 401);
  assert.deepEqual(changes, ['signed-out']);
  assert.equal(await goptri.currentUser(), null);
  assert.equal((await goptri.fetch('/photos')).status, 401);
  assert.equal(server.to('/token').length, 1);
});

test('a refresh that is overtaken by another tab uses its token and never overwrites it', async () => {
  for (const answer of [() => tokens(2), rejected(400, 'invalid_grant'), rejected(503, ...UNAVAILABLE)]) {
    const storage = memoryStorage();
    let other;
    const { goptri, expire } = await signedIn(
      {
        'POST /token': async () => {
          await other.signIn(ANN);
          return answer();
        },
      },
      storage,
    );
    other = client(storage);
    expire();
    assert.equal((await goptri.fetch('/photos')).status, 200, answer.toString());
    assert.equal(server.to('/token').length, 1);
    assert.equal(server.to('/photos')[1].headers.authorization, 'Bearer access-2', 'that of the sign-in');
    server.stop();
  }
});

test('a refresh that another tab has made is not repeated', async () => {
  const storage = memoryStorage();
  const { goptri, expire } = await signedIn(undefined, storage);
  const other = client(storage);
  expire();
  assert.equal((await other.fetch('/photos')).status, 200);
  assert.equal((await goptri.fetch('/photos')).status, 200);
  assert.equal(server.to('/token').length, 1);
  assert.equal(server.to('/photos').length, 3, 'the second sends the new token immediately');
});

test('an aborted request stops waiting, and the refresh goes on', async () => {
  let answer;
  const asked = new Promise((resolve) => {
    answer = () => new Promise((respond) => resolve(() => respond(tokens(2))));
  });
  const { goptri, expire } = await signedIn({ 'POST /token': () => answer() });
  expire();
  const controller = new AbortController();
  const aborted = goptri.fetch('/photos', { signal: controller.signal });
  const waiting = goptri.fetch('/photos');
  const respond = await asked;
  controller.abort(new Error('enough'));
  await assert.rejects(aborted, { message: 'enough' });
  respond();
  assert.equal((await waiting).status, 200);
  assert.equal(server.to('/token').length, 1);
});

test('a sign-out is acknowledged before the token is deleted, and may be repeated', async () => {
  let fails = true;
  const { goptri } = await signedIn({ 'DELETE /logout': () => (fails ? rejected(500, 'internal')() : [204, '']) });
  const changes = [];
  goptri.onChange((change) => changes.push(change));
  await assert.rejects(goptri.signOut(), { code: 'internal', status: 500 });
  assert.equal((await goptri.fetch('/photos')).status, 200, 'still signed in');
  fails = false;
  await goptri.signOut();
  assert.deepEqual(JSON.parse(server.to('/logout').at(-1).text), { refresh_token: 'refresh-1' });
  assert.deepEqual(changes, ['signed-out']);
  assert.equal((await goptri.fetch('/photos')).status, 401);
  assert.equal(await goptri.currentUser(), null);
  assert.equal(server.to('/currentuser').length, 0, 'without a token there is no user');
});

test('a sign-out everywhere that came too late says so', async () => {
  let answer = () => [204, ''];
  const { goptri } = await signedIn({ 'DELETE /logout?everywhere=true': () => answer() });
  await goptri.signOut({ everywhere: true });
  assert.equal(server.to('/logout?everywhere=true')[0].text, '{"refresh_token":"refresh-1"}');
  await goptri.signIn(ANN);
  answer = rejected(401, 'invalid_token');
  await assert.rejects(goptri.signOut({ everywhere: true }), { code: 'invalid_token' });
  assert.equal(await goptri.currentUser(), null);
});

test('a sign-out that another program rejects is none', async () => {
  const { goptri } = await signedIn({ 'DELETE /logout': () => [401, '<html>Proxy</html>'] });
  await assert.rejects(goptri.signOut(), { code: 'unexpected_response', status: 401 });
  assert.notEqual(await goptri.currentUser(), null);
});

test('the current user is asked for with a fresh token', async () => {
  let users = 0;
  const user = { id: '1', email: ANN.email, roles: ['admin'] };
  const { goptri } = await signedIn({
    'GET /currentuser': (request) => {
      users += 1;
      return [200, { currentUser: request.headers.authorization === 'Bearer access-2' ? user : null }];
    },
  });
  assert.deepEqual(await goptri.currentUser(), user);
  assert.deepEqual([users, server.to('/token').length], [2, 1]);
});

test('listeners learn of changes in other clients until they are removed', async () => {
  const { goptri } = await signedIn();
  const changes = [];
  const other = client();
  const heard = new Promise((resolve) => {
    const remove = other.onChange((change) => {
      changes.push(change);
      remove();
      resolve();
    });
  });
  await goptri.signIn(ANN);
  await heard;
  await other.signIn(ANN);
  assert.deepEqual(changes, ['signed-in']);
});

test('a listener sees what another tab has stored, even if that arrives later than the message', async () => {
  const shared = memoryStorage();
  const { goptri } = await signedIn({}, shared);
  const { getItem, setItem } = shared;
  let isCopied = false;
  const key = `goptri ${server.url}`;
  const stale = getItem(key);
  // Browsers copy what one tab stores to the others with a delay.
  const other = client({ getItem: (name) => (isCopied ? getItem(name) : stale), setItem });
  const heard = new Promise((resolve) => other.onChange(async () => resolve(await other.currentUser())));
  await goptri.signOut();
  setTimeout(() => (isCopied = true), 60);
  assert.equal(await heard, null);
});

test('a damaged store counts as signed out', async () => {
  for (const text of ['{"access', 'null', '3', '']) {
    await site();
    const goptri = client({ getItem: () => text, setItem: () => {} });
    assert.equal((await goptri.fetch('/photos')).status, 401);
    assert.equal(server.to('/token').length, 0, text);
    server.stop();
  }
});
