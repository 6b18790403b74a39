// What the tests share: tokens, a fake auth-server, and services of Express and Fastify.
import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as sendRequest } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import express from 'express';
import { auth, createGuard, requiredScopes } from '@goptri/express';

export const ISSUER = 'https://auth.example';
export const AUDIENCE = 'https://api.example';
export const SECRET = 'access-5f2a9c4be1d078365f2a9c4be1d07836';
export const OTHER_SECRET = 'access-8e71d2c5f0a9364b8e71d2c5f0a9364b';
export const FEED_SECRET = 'feed-3b9d04e7a61c58f23b9d04e7a61c58f2';

export const kidOf = (secret) =>
  createHash('sha256').update(`goptri key id\0${secret}`).digest().subarray(0, 12).toString('base64url');

const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** The claims of a user, valid now. `undefined` removes a claim. */
export function claimsOf(changes = {}) {
  const now = Math.floor(Date.now() / 1000);
  return {
    iss: ISSUER,
    sub: 'ann',
    aud: AUDIENCE,
    iat: now,
    exp: now + 900,
    jti: 'token-1',
    client_id: 'goptri',
    scope: 'photos:read',
    sid: 'session-1',
    email: 'ann@example.com',
    roles: ['editor'],
    ...changes,
  };
}

/** A token. Header and payload may be objects or texts. */
export function tokenOf(payload = claimsOf(), { secret = SECRET, header = {} } = {}) {
  const full = typeof header === 'string' ? header : { typ: 'at+jwt', alg: 'HS256', kid: kidOf(secret), ...header };
  const input = `${encode(full)}.${encode(payload)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

export const cookieOf = (token) => Buffer.from(JSON.stringify({ jwt: token })).toString('base64');

/** Waits until `isMet` returns something other than false, for at most five seconds. */
export async function until(isMet, about = isMet) {
  for (let left = 500; left > 0; left -= 1) {
    const met = await isMet();
    if (met) return met;
    await sleep(10);
  }
  throw new Error(`not within five seconds: ${about}`);
}

/** An auth-server that says what the test says. Its streams begin with what `opening` returns. */
export async function startAuthServer(t, { jwks = { keys: [] }, tls } = {}) {
  const streams = new Set();
  const fake = {
    jwks,
    streams,
    requests: [],
    status: 200,
    began: performance.now(),
    uptime: () => Math.round(performance.now() - fake.began),
    heartbeat: (name = 'heartbeat', age = 0) => event(name, { age_ms: age, uptime_ms: fake.uptime() }),
    opening: () => fake.heartbeat() + fake.heartbeat('caught-up'),
    /** Sends a text, or an event to all streams. */
    send: (name, data) => streams.forEach((stream) => stream.write(data === undefined ? name : event(name, data))),
    revoke: (...entries) => fake.send('revocations', { entries: entries.map(entryOf) }),
    cut: () => streams.forEach((stream) => stream.destroy()),
    fetches: () => fake.requests.filter(({ url }) => url === '/.well-known/jwks.json').length,
  };
  const respond = (request, response) => {
    fake.requests.push({ url: request.url, headers: request.headers });
    if (request.url === '/.well-known/jwks.json') {
      if (fake.jwksStatus) return response.writeHead(fake.jwksStatus, fake.jwksHeaders).end();
      return response.setHeader('content-type', 'application/jwk-set+json').end(JSON.stringify(fake.jwks));
    }
    if (request.headers.authorization !== `Bearer ${fake.feedSecret ?? FEED_SECRET}`)
      return response.writeHead(401).end();
    if (fake.status !== 200) return response.writeHead(fake.status, { location: '/elsewhere' }).end();
    response.writeHead(200, { 'content-type': fake.contentType ?? 'text/event-stream' }).write(fake.opening());
    streams.add(response);
    response.on('close', () => streams.delete(response));
  };
  const server = tls ? createTlsServer(tls, respond) : createServer(respond);
  fake.listen = async (port = 0) => {
    await once(server.listen(port, '127.0.0.1'), 'listening');
    fake.port = server.address().port;
    fake.url = `${tls ? 'https' : 'http'}://127.0.0.1:${fake.port}`;
  };
  fake.stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  await fake.listen();
  t.after(fake.stop);
  return fake;
}

export const event = (name, data) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
export const entryOf = (changes) => ({ kind: 'session', subject: 'x', revoked_at: 0, expires_in: 7500, ...changes });

/** A guard of that auth-server, and what it logs. */
export function guardOf(t, server, options = {}) {
  const log = [];
  const level = (name) => (message) => log.push(`${name} ${message}`);
  const guard = createGuard({
    issuer: ISSUER,
    audience: AUDIENCE,
    accessTokenSecret: SECRET,
    feedSecret: FEED_SECRET,
    authServerUrl: server.url,
    environment: {},
    logger: { info: level('info'), warn: level('warn') },
    ...options,
  });
  t.after(() => guard.close());
  return { guard, log };
}

/** As `guardOf`, once it is ready. */
export async function readyGuard(t, server, options) {
  const made = guardOf(t, server, options);
  await until(() => made.guard.ready());
  return made;
}

/** `accepted`, `invalid`, or why the guard cannot decide. */
export const verdict = (guard, token) =>
  guard.verify(token).then(
    () => 'accepted',
    ({ code, reason }) => (code === 'invalid_token' ? (reason === 'revoked' ? reason : 'invalid') : reason),
  );

/** A service of Express with the routes that the tests need. */
export async function startExpress(t, guard, inner = guard) {
  const app = express();
  const seen = ({ auth: caller }, response) =>
    response.set('Cache-Control', 'public').json({ caller: caller?.subject ?? null });
  app.all('/photos', auth(guard), seen);
  app.get('/read', auth(guard), requiredScopes('photos:read'), seen);
  app.get('/write', auth(guard), requiredScopes('photos:read', 'photos:write'), seen);
  app.use('/nested', auth(guard), express.Router().get('/', auth(inner), seen));
  app.get('/forgotten', requiredScopes('photos:read'), seen);
  return listen(t, createServer({ maxHeaderSize: 32 * 1024 }, app));
}

export async function listen(t, server) {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => new Promise((resolve) => server.close(resolve).closeAllConnections()));
  const { port } = server.address();
  return (path, options) => send(port, path, options);
}

/** Sends a request. `headers` is a list of names and values, so that one can occur twice. */
async function send(port, path, { method = 'GET', headers = [] } = {}) {
  const request = sendRequest({
    port,
    path,
    method,
    agent: false,
    headers: ['Host', 'localhost', 'Content-Length', '0', ...headers],
  }).end();
  const [response] = await once(request, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  const body = response.headers['content-type']?.startsWith('application/json') ? JSON.parse(text) : text;
  return { status: response.statusCode, headers: response.headers, body };
}

export const bearer = (token) => ['Authorization', `Bearer ${token}`];
