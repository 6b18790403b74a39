// The memory of the set of revocations.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Revocations } from '../dist/revocations.js';
import { entryOf } from './support.js';

function setOf(maxEntries) {
  let now = 0;
  const set = new Revocations({ maxStaleness: 60_000, onStale: 'allow' }, () => now, maxEntries);
  return { set, moveTo: (time) => (now = time) };
}

const isRevoked = (set, sid) => set.has({ claims: { sid, jti: 'token', client_id: 'client', iat: 0 } });

test('expired entries are removed, and no others', () => {
  const { set, moveTo } = setOf();
  for (let at = 0; at < 25_000; at += 1) {
    assert.equal(set.insert(entryOf({ subject: `short-${at}`, expires_in: 10 }), 0), true);
  }
  set.insert(entryOf({ subject: 'long', expires_in: 100 }), 0);
  set.insert(entryOf({ subject: 'short-0', expires_in: 100 }), 0);
  moveTo(9_999);
  set.sweep();
  assert.ok(isRevoked(set, 'short-1') && isRevoked(set, 'short-24999'));
  moveTo(10_000);
  set.sweep();
  assert.ok(!isRevoked(set, 'short-1') && !isRevoked(set, 'short-24999'));
  assert.ok(isRevoked(set, 'long') && isRevoked(set, 'short-0'), 'the later deadline of two counts');
  moveTo(100_000);
  set.sweep();
  assert.ok(!isRevoked(set, 'long') && !isRevoked(set, 'short-0'));
});

test('a known entry keeps the later deadline', () => {
  const { set, moveTo } = setOf();
  set.insert(entryOf({ subject: 'x', expires_in: 100 }), 0);
  set.insert(entryOf({ subject: 'x', expires_in: 10 }), 0);
  moveTo(99_000);
  set.sweep();
  assert.ok(isRevoked(set, 'x'));
});

test('a set that is full keeps its entries and fails, except for a known entry', () => {
  const { set } = setOf(2);
  for (const subject of ['a', 'b']) assert.equal(set.insert(entryOf({ subject }), 0), true);
  assert.throws(() => set.insert(entryOf({ subject: 'c' }), 0), /set of revocations is full/);
  assert.equal(set.insert(entryOf({ subject: 'b', expires_in: 9_000 }), 0), true);
  assert.deepEqual([isRevoked(set, 'a'), isRevoked(set, 'b'), isRevoked(set, 'c')], [true, true, false]);
});
