// The memory of the set of revocations.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Revocations } from '../dist/revocations.js';
import { entryOf } from './support.js';

function setOf(maxEntries) {
  let now = 0;
  const set = new Revocations({ maxStaleness: 60_000, onStale: 'allow' }, () => now, maxEntries);
  set.knownAsOf(0);
  return { set, moveTo: (time) => (now = time) };
}

const isRevoked = (set, sid) => {
  try {
    set.check({ sid, jti: 'token', client_id: 'client', iat: 0 });
    return false;
  } catch ({ reason }) {
    return reason === 'revoked';
  }
};

test('expired entries are removed in small steps, and no others', () => {
  const { set, moveTo } = setOf();
  const entries = (name, count, seconds) =>
    Array.from({ length: count }, (_, at) => entryOf({ subject: `${name}-${at}`, expires_in: seconds }));
  set.insert(entries('short', 25_000, 10));
  set.insert(entries('long', 25_000, 100));
  set.sweep();
  assert.equal(set.size, 50_000);
  moveTo(20_000);
  const before = set.size;
  set.sweep();
  assert.ok(before - set.size <= 10_000, 'a step is small');
  for (let step = 0; step < 10; step += 1) set.sweep();
  assert.equal(set.size, 25_000);
  assert.ok(isRevoked(set, 'long-24999') && !isRevoked(set, 'short-0'));
});

test('a set that is full keeps its entries and fails, except for a known entry', () => {
  const { set } = setOf(2);
  assert.equal(set.insert([entryOf({ subject: 'a' }), entryOf({ subject: 'b' })]), true);
  assert.throws(() => set.insert([entryOf({ subject: 'c' })]), /more than 2 revocations/);
  assert.equal(set.insert([entryOf({ subject: 'b', expires_in: 9_000 })]), true);
  assert.deepEqual([isRevoked(set, 'a'), isRevoked(set, 'b'), isRevoked(set, 'c'), set.size], [true, true, false, 2]);
});

test('a subject that no token can have is skipped', () => {
  const { set } = setOf();
  assert.equal(set.insert([entryOf({ subject: 'x'.repeat(8193) })]), false);
  assert.equal(set.insert([entryOf({ subject: 'ü'.repeat(4097) })]), false);
  assert.equal(set.insert([entryOf({ subject: 'ü'.repeat(4096) })]), true);
  assert.equal(set.size, 1);
});
