/**
 * Whether the long forms of the tests are wanted: `deno task test:nightly` gives `--nightly` to the same tests.
 *
 * @module
 */

/** True under `deno task test:nightly`. */
export const isNightly = Deno.args.includes("--nightly");
