/** A tab that hangs delays the others for so long, in milliseconds. */
const MAX_WAIT = 10_000;

/**
 * Runs `task` while no other tab does, and says whether it had to wait for one. Without Web Locks, or if another tab
 * does not finish, tasks may overlap: the server then gives all tabs the same tokens.
 */
export async function exclusively<T>(name: string, task: (hasWaited: boolean) => Promise<T>): Promise<T> {
  const locks = globalThis.navigator?.locks;
  let running: Promise<T> | undefined;
  try {
    await locks?.request(name, { ifAvailable: true }, (lock) => lock && (running = task(false)));
    if (!running) {
      await locks?.request(name, { signal: AbortSignal.timeout(MAX_WAIT) }, () => (running = task(true)));
    }
  } catch {
    // The wait was too long, this page may not use locks, or the task failed.
  }
  return running ?? task(false);
}

/** Tells all tabs, and the listeners in this one, what has changed. */
export class Tabs<Change> {
  private readonly listeners = new Set<(change: Change) => void>();
  private readonly others: BroadcastChannel | undefined;

  constructor(name: string) {
    this.others = globalThis.BroadcastChannel && new BroadcastChannel(name);
    this.others?.addEventListener('message', ({ data }) => this.tellHere(data));
  }

  tell(change: Change): void {
    this.others?.postMessage(change);
    this.tellHere(change);
  }

  /** Returns a function that removes the listener. */
  listen(listener: (change: Change) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  private tellHere(change: Change): void {
    for (const listener of this.listeners) listener(change);
  }
}
