// An HTTP server that answers as a test says, and remembers what it was asked.
import { createServer } from 'node:http';
import { once } from 'node:events';

// A channel keeps Node running, and a page does not wait for it.
globalThis.BroadcastChannel = class extends BroadcastChannel {
  addEventListener(...listener) {
    super.addEventListener(...listener);
    this.unref();
  }
};

/**
 * Starts a server at a free port. `answers` has a function for each `METHOD /path`, which returns `[status, body,
 * headers]`, or `null` to close the connection without a response. A body shorter than its `Content-Length` is cut off.
 */
export async function start(answers) {
  const requests = [];
  const server = createServer(async (request, response) => {
    const chunks = await request.toArray();
    const text = Buffer.concat(chunks).toString();
    const asked = { method: request.method, path: request.url, headers: request.headers, text };
    requests.push(asked);
    const answer = answers[`${request.method} ${request.url}`];
    const answered = answer ? await answer(asked) : [404, { error: 'not_found' }];
    if (!answered) return request.socket.destroy();
    const [status, body, headers = {}] = answered;
    response.writeHead(status, headers);
    if (headers['Content-Length']) return response.write(body, () => request.socket.destroy());
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** The requests for a path. */
    to: (path) => requests.filter((request) => request.path === path),
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** What auth-server answers to a sign-in or a refresh: the pair of tokens of that number. */
export const tokens = (number, expires_in = 900) => [
  200,
  { access_token: `access-${number}`, refresh_token: `refresh-${number}`, token_type: 'Bearer', expires_in },
];

/** A route of an API that accepts the access token of that number. */
export const accepting = (number) => (request) =>
  request.headers.authorization === `Bearer access-${number()}`
    ? [200, { text: request.text }]
    : [401, { error: 'invalid_token' }];

export const rejected = (status, error, headers) => () => [status, { error, error_description: 'No.' }, headers];
