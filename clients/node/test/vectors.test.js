// The tokens of clients/vectors.json, on which the packages of all languages agree with the Rust crate.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as support from './support.js';

const read = () => JSON.parse(readFileSync(new URL('../../vectors.json', import.meta.url), 'utf8'));

/** The caller as api-server's `GET /me` describes it. */
const me = ({ subject: sub, email, roles, scope, sessionId: sid, exp }) =>
  JSON.parse(JSON.stringify({ sub, email, roles, scope: [...scope].join(' '), sid, exp }));

test('every vector gets its verdict, and the accepted ones their claims', async (t) => {
  const { issuer, audience, leeway, secrets, jwks, revocations, vectors } = read();
  assert.ok(vectors.length >= 120, `${vectors.length} vectors`);
  let now;
  const server = await support.startAuthServer(t, { jwks });
  server.opening = () => support.event('revocations', { entries: revocations }) + server.heartbeat('caught-up');
  const { guard } = await support.readyGuard(t, server, {
    issuer,
    audience,
    clockLeeway: `${leeway}s`,
    accessTokenSecret: secrets.join(),
    clock: () => now * 1000,
  });
  for (const vector of vectors) {
    await t.test(vector.name, async () => {
      now = vector.now;
      const caller = await guard.verify(vector.token).catch(({ code }) => code);
      if (vector.verdict === 'accepted') assert.deepEqual(me(caller), vector.claims, vector.about);
      else assert.equal(caller, 'invalid_token', vector.about);
      assert.match(vector.verdict, /^(?:accepted|rejected)$/);
    });
  }
});
