/**
 * playwright-core and axe-core, loaded without the permissions that they ask for at import.
 *
 * Both look around when they are imported: playwright-core for dozens of environment variables, the home folder, the
 * kernel's release and a file below /proc that Deno lets nobody see who has not all permissions; axe-core for NODE_ENV.
 * None of it changes what they do here, so they find a plain machine: no variable set, nothing below /proc, and /tmp, the
 * one folder that tests write to. What is left is `NODE_V8_COVERAGE`, which Deno itself reads when Node's way of starting a
 * program is used, and without which Chromium cannot be launched.
 *
 * @module
 */
import fs from "node:fs";
import os from "node:os";
import process from "node:process";

const { existsSync } = fs;
fs.existsSync = (path) => !String(path).startsWith("/proc/") && existsSync(path);
os.homedir = () => "/tmp";
os.tmpdir = () => "/tmp";
os.release = () => "";
process.env = {};

/** Playwright's Chromium. */
export const { chromium } = await import("npm:playwright-core@1.65.1");

/** axe-core, with the text of itself that is run in a page. */
export const { default: axe } = await import("npm:axe-core@4.14.1");
