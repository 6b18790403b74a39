import { GoptriError } from './error.js';

/** How long auth-server has for a response, and for a sign-in, which may have to wait, in milliseconds. */
const TIMEOUT = 15_000;
const SIGN_IN_TIMEOUT = 60_000;
/** The pause before a request is sent again, in seconds, unless the server names one. */
const PAUSE = 0.5;
/** A longer `Retry-After`, in seconds, is left to the caller. */
const MAX_PAUSE = 5;

/** Sends JSON, and returns the JSON of the response. Fails with a `GoptriError` only. */
export type Call = (method: string, path: string, body?: object, access?: string) => Promise<any>;

/** A {@link Call} to the auth-server with this URL. */
export function callTo(server: string, cookies: boolean): Call {
  return async (method, path, body, access) => {
    let response: Response;
    let text: string;
    try {
      response = await fetch(server + path, {
        method,
        headers: {
          ...(body && { 'Content-Type': 'application/json' }),
          ...(access && { Authorization: `Bearer ${access}` }),
        },
        body: body ? JSON.stringify(body) : null,
        credentials: cookies ? 'include' : 'omit',
        // No other server may see a token.
        redirect: 'error',
        signal: AbortSignal.timeout(path === '/login' ? SIGN_IN_TIMEOUT : TIMEOUT),
      });
      text = await response.text();
    } catch {
      throw new GoptriError('network', 'auth-server did not respond');
    }
    return read(response, text);
  };
}

function read({ ok, status, headers }: Response, text: string): any {
  let json;
  try {
    json = JSON.parse(text || '{}');
  } catch {
    // Not a response of auth-server.
  }
  if (ok && json) return json;
  throw new GoptriError(
    json?.error ?? 'unexpected_response',
    json?.error_description ?? `auth-server responded with status ${status}`,
    status,
    Number(headers.get('Retry-After')) || undefined,
  );
}

/** Whether auth-server itself said that the credential is missing or worthless. */
export function isRejection(error: unknown): error is GoptriError {
  return error instanceof GoptriError && /^40[01] (?!unexpected)/.test(`${error.status} ${error.code}`);
}

/** Runs a task up to three times, while the next try may succeed soon. */
export async function persistently<T>(task: () => Promise<T>, tries = 3): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (!(error instanceof GoptriError) || tries === 1) throw error;
    const { status, retryAfter = PAUSE } = error;
    const mayPass = !status || status === 429 || status >= 500;
    if (!mayPass || retryAfter > MAX_PAUSE) throw error;
    await pause(retryAfter * 1000);
    return persistently(task, tries - 1);
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
