// A small service that is protected by Goptri. `GET /deliveries` needs an access token, `GET /unguarded` does not.
import { createServer } from 'node:http';
import { auth, createGuard, SettingsError } from '@goptri/express';
import express from 'express';

const DELIVERIES = [
  { id: 'D-1001', to: 'Ljubljana', status: 'on its way' },
  { id: 'D-1002', to: 'Graz', status: 'delivered' },
  { id: 'D-1003', to: 'Trieste', status: 'packed' },
];

/** How long requests may take to finish once the service is told to stop. */
const GRACE = 3_000;

/** The routes of the service. */
function application(guard) {
  const app = express().disable('x-powered-by');
  app.get('/deliveries', auth(guard), (request, response) => {
    response.json({ deliveries: DELIVERIES, caller: describe(request.auth) });
  });
  app.get('/unguarded', (request, response) => {
    response.json({ deliveries: DELIVERIES });
  });
  app.get('/readyz', (request, response) => {
    const ready = guard.ready();
    response.status(ready ? 200 : 503).json({ status: ready ? 'ok' : 'not ready' });
  });
  return app;
}

/** `JSON.stringify` leaves out what is undefined. */
function describe({ subject: sub, email, roles, scope, sessionId: sid, exp }) {
  return { sub, email, roles, scope: [...scope].join(' '), sid, exp };
}

function start(guard, address) {
  const { hostname, port } = new URL(`http://${address}`);
  // A token has up to 8 KiB, and Node's default of 16 KiB is for all headers together.
  const server = createServer({ maxHeaderSize: 32 * 1024 }, application(guard));
  server.listen(Number(port || 80), hostname.replace(/[[\]]/g, ''), () =>
    console.error(`listening on http://${address}`),
  );
  const stop = () => {
    server.close(() => guard.close());
    setTimeout(() => server.closeAllConnections(), GRACE).unref();
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
}

try {
  start(createGuard(), process.env.ADDR || '127.0.0.1:5013');
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
