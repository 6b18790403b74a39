/** Where a client keeps its session: the part of `localStorage` that it uses. */
export type SessionStorage = Pick<Storage, 'getItem' | 'setItem'>;

/** A storage that forgets the session when the page is closed or loaded again, and that no other tab shares. */
export function memoryStorage(): SessionStorage {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
  };
}

/** `localStorage`, or memory where there is none, as in a sandboxed frame or on a server that renders pages. */
export function defaultStorage(): SessionStorage {
  try {
    return localStorage ?? memoryStorage();
  } catch {
    return memoryStorage();
  }
}
