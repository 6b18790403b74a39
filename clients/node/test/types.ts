// Compiled by `npm test`, and not run: how services in TypeScript use the package.
import express from 'express';
import fastify from 'fastify';
import { auth, createGuard, requiredScopes, SettingsError, TokenError } from '@goptri/express';
import type { Caller, Guard, GuardOptions } from '@goptri/express';
import * as hooks from '@goptri/express/fastify';

const options: GuardOptions = { issuer: 'https://auth.example', onStale: 'refuse', logger: console, clock: Date.now };
const guard: Guard = createGuard(options);

const app = express();
app.use(
  '/orders',
  auth(guard),
  express.Router().get('/', requiredScopes('orders:read'), (request, response) => {
    const caller: Caller | undefined = request.auth;
    const scope: ReadonlySet<string> | undefined = caller?.scope;
    response.json({ subject: caller?.subject.toUpperCase(), session: caller?.sessionId, scope: [...(scope ?? [])] });
  }),
);
app.get('/admin', auth(guard), (request, response) => {
  response.send(request.auth?.hasRole('admin') ? 'yes' : 'no');
});

const server = fastify();
server.get(
  '/orders',
  { onRequest: [hooks.auth(guard), hooks.requiredScopes('orders:read')] },
  async ({ auth: caller }) => ({
    subject: caller?.subject,
    exp: caller?.exp.toFixed(),
  }),
);

export async function verify(token: string): Promise<string> {
  try {
    const caller = await guard.verify(token);
    return `${caller.subject} ${guard.ready()}`;
  } catch (error) {
    if (error instanceof TokenError) return error.reason;
    throw error;
  } finally {
    guard.close();
  }
}

// @ts-expect-error A guard is made by createGuard only.
export const made: Guard = {};
// @ts-expect-error There is no third way.
createGuard({ onStale: 'panic' });
export function change(caller: Caller): void {
  // @ts-expect-error The caller cannot be changed.
  caller.subject = 'x';
}
export const isSettingsError = (error: unknown): error is SettingsError => error instanceof SettingsError;
