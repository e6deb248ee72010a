/**
 * Zod without code made at run time: the content-security-policy of these pages forbids it, and a browser reports Zod's attempt
 * even though Zod catches its failure. To be imported before anything that makes a schema.
 *
 * Only pages need it. In the core it would change Zod for every program that imports `mod.ts`, since that setting is one for
 * all of a process.
 *
 * @module
 */
import { config } from "npm:zod@4.6.7";

config({ jitless: true });
