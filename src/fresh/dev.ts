/**
 * Builds what an app serves: reads `routes/`, bundles `islands/`, lists `static/`.
 *
 * @module
 */
import { basename, extname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { App } from "./app.ts";
import { setBuildId } from "./build_id.ts";
import type { Island, RouteFile, ServedFile, Snapshot } from "./snapshot.ts";
import type { RouteModule } from "./types.ts";

/** How to build. */
export interface BuildOptions {
  /** The project's folder; the working directory when left out. */
  root?: string;
}

/** Builds a project. */
export class Builder<State> {
  readonly #root: string;

  /** @param options where the project is */
  constructor({ root = "." }: BuildOptions = {}) {
    this.#root = resolve(root.startsWith("file:") ? fileURLToPath(root) : root);
  }

  /**
   * Builds in memory.
   *
   * @returns what has an app serve the build
   * @throws when a route has no exports of one, an island has no component, or the islands cannot be bundled
   */
  async build(_options: { snapshot: "memory" }): Promise<(app: App<State>) => void> {
    const [routes, islandFiles, statics] = await Promise.all([
      this.#routes(),
      filesBelow(join(this.#root, "islands")),
      filesBelow(join(this.#root, "static")),
    ]);
    const islandPaths = islandFiles.filter((path) => path.endsWith(".tsx"));
    const scripts = await this.#bundle(islandPaths);
    const staticFiles = await Promise.all(statics.map(async (path): Promise<[string, ServedFile]> => [
      `/${slashes(relative(join(this.#root, "static"), path))}`,
      await staticFile(path),
    ]));
    const contents = [...scripts.values(), ...staticFiles.map(([, file]) => file)].map(({ etag }) => etag);
    const buildId = await digestOf(new TextEncoder().encode(contents.join()));
    // Another build has other paths, so a browser may keep what it has.
    const served = new Map([...scripts].map(([path, file]) => [`/_fresh/js/${buildId}/${path}`, file]));
    const snapshot: Snapshot<State> = {
      buildId,
      clientScript: scriptOf(clientPath, served),
      routes,
      islands: await islandsIn(islandPaths, served),
      files: new Map([...served, ...staticFiles]),
    };
    setBuildId(buildId);
    return (app) => App.apply(app, snapshot);
  }

  async #routes(): Promise<RouteFile<State>[]> {
    const folder = join(this.#root, "routes");
    const paths = (await filesBelow(folder)).filter((path) => /\.tsx?$/.test(path) && !/\/\(_/.test(slashes(path)));
    return await Promise.all(paths.map(async (path) => {
      const module: unknown = await import(pathToFileURL(path).href);
      if (!isRouteModule<State>(module)) {
        throw new TypeError(`${path} is no route: it must export a handler, or a page by default.`);
      }
      return { path: slashes(relative(folder, path)).replace(/\.tsx?$/, ""), module };
    }));
  }

  /** The islands and the script that hydrates them, with what they share in files of its own. */
  async #bundle(islands: readonly string[]): Promise<Map<string, ServedFile>> {
    // Only a path: nothing is written.
    const outputDir = join(this.#root, "_fresh");
    const result = await Deno.bundle({
      entrypoints: [clientPath, ...islands],
      outputDir,
      platform: "browser",
      format: "esm",
      codeSplitting: true,
      minify: true,
      write: false,
    });
    if (!result.success || !result.outputFiles) {
      throw new Error(`Cannot bundle the islands: ${result.errors.map(({ text }) => text).join(" ")}`);
    }
    const scripts = new Map<string, ServedFile>();
    for (const { path, contents } of result.outputFiles) {
      if (contents === undefined) continue;
      const bytes = new Uint8Array(contents);
      scripts.set(slashes(relative(outputDir, path)), {
        read: () => Promise.resolve(bytes),
        type: "text/javascript; charset=utf-8",
        etag: await digestOf(bytes),
        isImmutable: true,
      });
    }
    return scripts;
  }
}

const clientPath = fileURLToPath(new URL("./client.ts", import.meta.url));

const types: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
};

async function staticFile(path: string): Promise<ServedFile> {
  const bytes = await Deno.readFile(path);
  return {
    read: () => Promise.resolve(bytes),
    type: types[extname(path)] ?? "application/octet-stream",
    etag: await digestOf(bytes),
    isImmutable: false,
  };
}

async function filesBelow(folder: string): Promise<string[]> {
  const paths: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory) paths.push(...await filesBelow(path));
      else if (entry.isFile && !basename(path).startsWith(".")) paths.push(path);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return paths.sort();
}

/** The components that islands export, by themselves. */
async function islandsIn(
  paths: readonly string[],
  scripts: ReadonlyMap<string, ServedFile>,
): Promise<ReadonlyMap<unknown, Island>> {
  const islands = new Map<unknown, Island>();
  for (const path of paths) {
    const module: unknown = await import(pathToFileURL(path).href);
    const found = Object.entries(module ?? {}).flatMap(([exportName, component]): Island[] =>
      isComponent(component) ? [{ component, exportName, script: scriptOf(path, scripts) }] : []
    );
    if (found.length === 0) throw new TypeError(`${path} is no island: it must export a component.`);
    for (const island of found) islands.set(island.component, island);
  }
  return islands;
}

/** The path under which a source's script is served: the bundler keeps names below the folder that all entries share. */
function scriptOf(source: string, scripts: ReadonlyMap<string, ServedFile>): string {
  const wanted = slashes(source).replace(/\.tsx?$/, ".js");
  const [found] = [...scripts.keys()].filter((path) => wanted.endsWith(path.replace(/^\/_fresh\/js\/[^/]+/, "")))
    .sort((a, b) => b.length - a.length);
  if (found === undefined) throw new Error(`${source} was bundled, and its script is not there.`);
  return found;
}

function isRouteModule<State>(module: unknown): module is RouteModule<State> {
  if (typeof module !== "object" || module === null) return false;
  const { default: page, handler } = Object(module);
  return isComponent(page) || typeof handler === "function" || typeof handler === "object" && handler !== null;
}

function isComponent(value: unknown): value is Island["component"] {
  return typeof value === "function";
}

function slashes(path: string): string {
  return path.replaceAll(sep, "/");
}

/** The first sixteen hexadecimal digits of the SHA-256. */
async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex().slice(0, 16);
}
