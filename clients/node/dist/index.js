/**
 * Verifies Goptri's access tokens in Express services, and rejects them within moments of a sign-out.
 *
 * ```ts
 * const guard = createGuard(); // settings come from environment variables
 * app.get('/readyz', (_, response) => response.sendStatus(guard.ready() ? 200 : 503));
 * app.use(auth(guard));
 * app.get('/orders', requiredScopes('orders:read'), (request, response) => {
 *   response.json(ordersOf(request.auth!.subject));
 * });
 * ```
 *
 * @packageDocumentation
 */
export { TokenError } from './caller.js';
export { auth, requiredRole, requiredScopes } from './express.js';
export { createGuard } from './guard.js';
export { SettingsError } from './settings.js';
