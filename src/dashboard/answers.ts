/**
 * How handlers answer those who ask for JSON and those who read pages: a script gets what was done, a form is sent back to where
 * it stood.
 *
 * @module
 */
import { HttpError } from "fresh";
import { RunInUseError, StorageError } from "../store/errors.ts";

/** Whether a request asks for JSON, as scripts do and browsers that open a page do not. */
export function wantsJson(request: Request): boolean {
  const accept = request.headers.get("accept") ?? "";
  return /\bapplication\/json\b/.test(accept) && !/\btext\/html\b/.test(accept);
}

/**
 * Does what a form asks for with a run, and says so.
 *
 * @param back where the form stood: a path of this dashboard; anything else is the overview
 * @param write does it, and returns what a script is told, or false for what is no run's id
 * @throws {HttpError} with what went wrong in words, for those who read pages
 */
export async function answerWrite(
  request: Request,
  back: FormDataEntryValue | null,
  write: () => Promise<object | false>,
): Promise<Response> {
  const isScript = wantsJson(request);
  try {
    const done = await write();
    if (done === false) throw new HttpError(404, "There is no such run.");
    if (isScript) return Response.json(done);
    return new Response(null, { status: 303, headers: { location: pathFrom(back) } });
  } catch (error) {
    const told = refusalOf(error);
    if (!isScript || !told) throw told ?? error;
    return Response.json({ error: told.message }, { status: told.status });
  }
}

/** An error that the reader can do something about, with its status; undefined for one of ours. */
function refusalOf(error: unknown): HttpError | undefined {
  if (error instanceof HttpError) return error;
  if (error instanceof RunInUseError) return new HttpError(409, error.message);
  if (error instanceof RangeError) return new HttpError(400, error.message);
  return error instanceof StorageError ? new HttpError(507, error.message) : undefined;
}

/** A path of this dashboard, and never an address elsewhere. */
function pathFrom(back: FormDataEntryValue | null): string {
  const nowhere = "http://nowhere.invalid";
  const url = typeof back === "string" && back.startsWith("/") ? URL.parse(back, nowhere) : null;
  return url?.origin === nowhere ? `${url.pathname}${url.search}` : "/";
}
