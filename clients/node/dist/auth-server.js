import http, {} from 'node:http';
import https from 'node:https';
import { rootCertificates } from 'node:tls';
const RESPONSE_TIMEOUT = 15_000;
/** Sends GET requests to auth-server. Follows no redirects, so no other server gets a secret or supplies keys. */
export class AuthServer {
    url;
    #ca;
    /** `ca`: certificates in PEM that are accepted besides the usual ones. */
    constructor(url, ca) {
        this.url = url;
        this.#ca = ca === undefined ? undefined : [...rootCertificates, ca];
    }
    /**
     * The response, once its headers have arrived. Neither the connection nor the timer keeps the process running.
     * `signal` also ends the response.
     */
    get(path, headers, signal) {
        return new Promise((resolve, reject) => {
            const options = { headers, signal, agent: false, ...(this.#ca && { ca: this.#ca }) };
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
export function describe(error) {
    const { message, code } = error;
    return message || code || String(error);
}
