/**
 * Fashion-MNIST: 60,000 + 10,000 pictures of clothes in MNIST's form (Xiao, Rasul & Vollgraf, arXiv 1708.07747).
 *
 * @module
 */
import type { Dataset, ReadFile } from "./dataset.ts";
import { type IdxDigests, loadIdxDataset } from "./idx_dataset.ts";
import { readFolder } from "./read_folder.ts";

const debianFolder = "/usr/share/datasets/fashion-mnist";

/** SHA-256 of the four files, decompressed, as Debian's dataset-fashion-mnist 0.0~git20200523.55506a9-1 ships them. */
export const fashionMnistDigests: IdxDigests = [
  "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
  "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
  "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
  "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
];

/**
 * Loads Fashion-MNIST.
 *
 * @param read reads the four files from a folder of the caller's; without it, from where Debian's package puts them, which
 * under Deno needs `--allow-read=/usr/share/datasets/fashion-mnist`
 * @throws {Error} when a file cannot be read
 * @throws {SyntaxError} when a file is malformed, naming file and offset
 */
export function loadFashionMnist(read?: ReadFile): Promise<Dataset> {
  return loadIdxDataset("fashion-mnist", {
    read: read ?? readFolder(new URL(`file://${debianFolder}/`)),
    published: fashionMnistDigests,
    remedy: read === undefined
      ? `On Debian and Ubuntu, \`apt-get install dataset-fashion-mnist\` puts the files into ${debianFolder}, which Deno must ` +
        `be allowed to read; or give a folder with its authors' four IDX files (--data-dir).`
      : "The folder must hold Fashion-MNIST's four IDX files, plain or with .gz.",
  });
}
