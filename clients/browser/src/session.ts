import { GoptriError } from './error.js';
import type { SessionStorage } from './storage.js';

/** What is stored of a session. In cookie mode there are no tokens: they are in cookies that no script can read. */
export interface Session {
  access?: string;
  refresh?: string;
  /** When the access token expires, by the clock of this device, in milliseconds. */
  expires?: number;
}

/**
 * The one place where a session is stored, which all tabs share. Its text changes with each refresh, sign-in and
 * sign-out, so two equal texts are the same generation of the same session.
 */
export class SessionStore {
  constructor(
    private readonly storage: SessionStorage,
    private readonly key: string,
    private readonly cookies: boolean,
  ) {}

  /** The stored text; `null` if nothing was ever stored. */
  text(): string | null {
    return this.storage.getItem(this.key);
  }

  /**
   * The session in a stored text. Where nothing was stored, cookies may still have a session: browsers delete what
   * scripts store earlier than cookies.
   */
  parse(text: string | null): Session | null {
    try {
      const session = JSON.parse(text ?? '{}');
      return this.cookies || session.refresh ? session : null;
    } catch {
      return null;
    }
  }

  /** The session that is stored now. */
  current(): Session | null {
    return this.parse(this.text());
  }

  /** Stores the session in a response of auth-server. Fails if it is none. */
  save(answer: any): void {
    const { access_token: access, refresh_token: refresh, expires_in } = answer;
    if (!(expires_in > 0) || !(this.cookies || (access && refresh))) {
      throw new GoptriError('unexpected_response', 'auth-server responded without tokens', 200);
    }
    this.write({ access, refresh, expires: Date.now() + expires_in * 1000 });
  }

  write(session: Session | null): void {
    this.storage.setItem(this.key, JSON.stringify(session));
  }
}
