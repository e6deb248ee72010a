/**
 * Errors that become a response.
 *
 * @module
 */

/** An error with a status of HTTP; thrown in a handler or middleware, it is answered by the error page with that status. */
export class HttpError extends Error {
  /** The class's name. */
  override readonly name = "HttpError";
  /** The status, such as 404. */
  readonly status: number;

  /** @param status such as 404 @param message for the reader; the status by itself when left out */
  constructor(status: number, message = `Status ${status}`, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}
