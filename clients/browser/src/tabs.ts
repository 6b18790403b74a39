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

/** What other tabs store may be visible in this one so much later than their message, in steps of 20 ms. */
const MAX_STEPS = 25;

/** Tells all tabs, and the listeners in this one, what has changed. */
export class Tabs<Change> {
  private readonly listeners = new Set<(change: Change) => void>();
  private readonly others: BroadcastChannel | undefined;

  /** `stored` reads the text that all tabs share. */
  constructor(
    name: string,
    private readonly stored: () => string | null,
  ) {
    this.others = globalThis.BroadcastChannel && new BroadcastChannel(name);
    this.others?.addEventListener('message', async ({ data: [change, text] }) => {
      // Otherwise a listener would use the session before the change.
      for (let step = 0; step < MAX_STEPS && stored() !== text; step++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      this.tellHere(change);
    });
  }

  tell(change: Change): void {
    this.others?.postMessage([change, this.stored()]);
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
