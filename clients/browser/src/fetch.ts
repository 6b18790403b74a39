import type { WithSession } from './refresh.js';

/** A `fetch` that sends the session to the trusted origins, and puts `api` before paths. */
export function sessionFetch(
  api: string,
  trusted: string[],
  cookies: boolean,
  withSession: WithSession,
): typeof fetch {
  return async (input, init) => {
    if (typeof input === 'string' && /^\/(?!\/)/.test(input)) input = api + input;
    let request = new Request(input, init);
    const { url, headers, signal } = request;
    if (!trusted.includes(new URL(url).origin) || headers.has('Authorization')) return fetch(request);
    if (cookies) request = new Request(request, { credentials: 'include' });
    // A stream can be sent only once. Other bodies are copied by `clone`.
    const isStream = init?.body instanceof ReadableStream;
    return withSession(
      (access) => {
        const copy = isStream ? request : request.clone();
        if (access) copy.headers.set('Authorization', `Bearer ${access}`);
        return fetch(copy);
      },
      ({ status }) => status === 401 && !isStream,
      signal,
    );
  };
}
