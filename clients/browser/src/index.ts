/**
 * Signs users of a web page in with Goptri, and keeps them signed in.
 *
 * ```ts
 * const goptri = createClient({ authServer: '/auth', api: '/api', mode: 'cookie' });
 * await goptri.signIn({ email, password });
 * const photos = await goptri.fetch('/photos');
 * ```
 *
 * @packageDocumentation
 */
export type { Change, Client, ClientOptions, Credentials, User } from './client.js';
export { createClient } from './create-client.js';
export { GoptriError } from './error.js';
export { memoryStorage } from './storage.js';
export type { SessionStorage } from './storage.js';
