import http, { type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import https from 'node:https';
import { rootCertificates } from 'node:tls';

const RESPONSE_TIMEOUT = 15_000;

/** Sends GET requests to auth-server. Follows no redirects, so no other server gets a secret or supplies keys. */
export class AuthServer {
  readonly #ca: string[] | undefined;

  /** `ca`: certificates in PEM that are accepted besides the usual ones. */
  constructor(
    readonly url: string,
    ca?: string,
  ) {
    this.#ca = ca === undefined ? undefined : [...rootCertificates, ca];
  }

  /**
   * The response, once its headers have arrived. Neither the connection nor the timer keeps the process running.
   * `signal` also ends the response.
   */
  get(path: string, headers: OutgoingHttpHeaders, signal: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const options = { headers, signal, agent: false, ...(this.#ca && { ca: this.#ca }) } as const;
      const request = (this.url.startsWith('https:') ? https : http).get(this.url + path, options, resolve);
      const timeout = new Error(`no response for ${RESPONSE_TIMEOUT / 1000} s`);
      const timer = setTimeout(() => request.destroy(timeout), RESPONSE_TIMEOUT).unref();
      request.on('socket', (socket) => socket.unref());
      request.on('response', () => clearTimeout(timer));
      request.on('close', () => clearTimeout(timer));
      request.on('error', reject);
    });
  }
}

/** The message of an error of the network, which Node leaves empty if it tried several addresses. */
export function describe(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  return message || code || String(error);
}
