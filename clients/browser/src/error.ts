/** Why a call did not do what it was asked to. */
export class GoptriError extends Error {
  override readonly name = 'GoptriError';

  /** @internal */
  constructor(
    /**
     * The `error` of the server's response, for instance `invalid_credentials`; `network` if there was no complete
     * response; `unexpected_response` if it was not one of auth-server, as from a hotel's sign-in page.
     */
    readonly code: string,
    message: string,
    /** The status of the response, or 0 if there was none. */
    readonly status = 0,
    /** Seconds to wait before the next try, if the server said so. */
    readonly retryAfter?: number,
  ) {
    super(message);
  }
}
