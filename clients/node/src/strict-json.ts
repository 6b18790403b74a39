/** Parses JSON as strictly as auth-server does: parsers that accept more would read one token in different ways. */

const MAX_DEPTH = 127;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** The parts of valid JSON: strings (member names with their colon), numbers and brackets. */
const PARTS = /"(?:[^"\\]+|\\.)*"(\s*:)?|-?\d[\d.eE+-]*|[{}[\]]/g;

export type JsonProblem = 'json' | 'duplicate_member' | 'too_many_members';

/** The text is not JSON that auth-server accepts. Contains no part of it. */
export class StrictJsonError extends Error {
  constructor(readonly reason: JsonProblem) {
    super(reason);
  }
}

/**
 * Parses one JSON object in UTF-8, without duplicate members at any depth, lone surrogates or infinite numbers. The
 * members of nested objects count, and each nested object counts as one more.
 */
export function parseObject(bytes: Uint8Array, maxMembers = 64): Record<string, unknown> {
  let value: unknown, text: string;
  try {
    text = UTF8.decode(bytes);
    value = JSON.parse(text);
  } catch {
    throw new StrictJsonError('json');
  }
  if (!text.startsWith('{')) throw new StrictJsonError('json');
  checkParts(text, maxMembers + 1);
  return value as Record<string, unknown>;
}

function checkParts(text: string, left: number): void {
  const open: Set<string>[] = [];
  for (const [part, colon] of text.matchAll(PARTS)) {
    if (part === '{' || part === '[') {
      if (open.push(new Set()) > MAX_DEPTH) throw new StrictJsonError('json');
      if (part === '{') left -= 1;
    } else if (part === '}' || part === ']') {
      open.pop();
    } else if (part.startsWith('"')) {
      const string: string = JSON.parse(part.slice(0, part.length - (colon?.length ?? 0)));
      if (!string.isWellFormed()) throw new StrictJsonError('json');
      if (colon !== undefined) {
        if (open.at(-1)?.has(string)) throw new StrictJsonError('duplicate_member');
        open.at(-1)?.add(string);
        left -= 1;
      }
    } else if (!Number.isFinite(Number(part))) {
      throw new StrictJsonError('json');
    }
    if (left < 0) throw new StrictJsonError('too_many_members');
  }
}
