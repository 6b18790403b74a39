const MAX_MEMBERS = 64;
const MAX_DEPTH = 127;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** The strings in valid JSON. A member name is matched with its colon. */
const STRINGS = /"(?:[^"\\]+|\\.)*"(\s*:)?/g;

/**
 * Parses one JSON object as strictly as auth-server does: UTF-8, without duplicate members at any
 * depth, lone surrogates or infinite numbers, and with at most 64 members. The members of nested
 * objects count, and each nested object counts as one more.
 */
export function parseObject(bytes: Uint8Array): Record<string, unknown> {
  const text = UTF8.decode(bytes);
  const value: unknown = JSON.parse(text);
  if (!text.startsWith('{')) throw new Error('not a JSON object');
  const count = { members: 0, objects: 0 };
  inspect(value, count);
  // JSON.parse keeps only the last of several members with one name.
  const names = [...text.matchAll(STRINGS)].filter(([, colon]) => colon !== undefined);
  if (names.length > count.members) throw new Error('duplicate member');
  if (count.members + count.objects > MAX_MEMBERS + 1) throw new Error('too many members');
  return value as Record<string, unknown>;
}

function inspect(value: unknown, count: { members: number; objects: number }, depth = 1): void {
  if (typeof value === 'string' && !value.isWellFormed()) throw new Error('lone surrogate');
  if (value === Infinity || value === -Infinity) throw new Error('infinite number');
  if (typeof value !== 'object' || value === null) return;
  if (depth > MAX_DEPTH) throw new Error('too deep');
  const children = Array.isArray(value) ? value : Object.entries(value).flat();
  if (!Array.isArray(value)) {
    count.objects += 1;
    count.members += children.length / 2;
  }
  for (const child of children) inspect(child, count, depth + 1);
}
