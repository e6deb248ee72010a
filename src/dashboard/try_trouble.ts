/**
 * What can keep a browser from training, and what its user can do about it.
 *
 * Where browsers stand with WebGPU: https://github.com/gpuweb/gpuweb/wiki/Implementation-Status, read 2026-11-25.
 *
 * @module
 */

/** What went wrong. */
export interface Trouble {
  /**
   * `insecure`: browsers keep WebGPU from pages over plain HTTP; `missing`: this browser has no WebGPU; `no-adapter`: it has, but
   * no GPU answers; `lost`: the GPU was there and is gone; `memory`: it has too little; `script`: the page's own code did not
   * arrive; `other`: a fault of Winnow or of the driver.
   */
  readonly kind: "insecure" | "missing" | "no-adapter" | "lost" | "memory" | "script" | "other";
  /** The error's own words; empty where nothing was thrown. */
  readonly message: string;
}

/** Trouble in words. */
export interface Advice {
  /** What happened. */
  readonly title: string;
  /** What to do, most promising first. */
  readonly remedies: readonly string[];
}

/** What is known of where the page runs. */
export interface Place {
  /** `navigator.userAgent`. */
  readonly userAgent: string;
  /** The page's address, without path. */
  readonly origin: string;
}

/** Names of errors that the core throws, by what they mean. Names, for an error that comes from a worker keeps no class. */
const kinds: Readonly<Record<string, Trouble["kind"]>> = {
  AdapterError: "no-adapter",
  DeviceLostError: "lost",
  ReadbackTimeoutError: "lost",
  OutOfMemoryError: "memory",
};

/** What an error says about the browser. */
export function troubleOf(error: unknown): Trouble {
  if (!(error instanceof Error)) return { kind: "other", message: String(error) };
  return { kind: kinds[error.name] ?? "other", message: error.message };
}

/** What keeps a page from WebGPU before anything is tried; undefined when nothing does. */
export function troubleAhead(
  scope: { readonly isSecureContext: boolean; readonly navigator: object },
): Trouble | undefined {
  if ("gpu" in scope.navigator && scope.navigator.gpu) return undefined;
  return { kind: scope.isSecureContext ? "missing" : "insecure", message: "" };
}

const withoutBrowser =
  "Or train without a browser: `./denow task lottery` does the same on the command line, on a graphics card or, where there is " +
  "none, on the processor.";

/** What to do about it. */
export function adviceOn({ kind }: Trouble, place: Place): Advice {
  switch (kind) {
    case "insecure": {
      const { port } = new URL(place.origin);
      const local = `http://127.0.0.1${port === "" ? "" : `:${port}`}/try`;
      return {
        title: "This address keeps the browser from using the GPU.",
        remedies: [
          `Browsers give WebGPU to pages over HTTPS and to those of the machine itself. On the machine that runs the dashboard, open ${local}.`,
          `From another machine, forward the port and open the same address there: \`ssh -L ${port || "80"}:127.0.0.1:${
            port || "80"
          } HOST\`.`,
          withoutBrowser,
        ],
      };
    }
    case "missing":
      return { title: "This browser has no WebGPU, or has it switched off.", remedies: switchOn(place) };
    case "no-adapter":
      return {
        title: "The browser has WebGPU, but no GPU answers.",
        remedies: [
          "Check that graphics acceleration is on: in Chrome and Edge under Settings, System; in Firefox under Settings, " +
          "Performance. Then restart the browser.",
          "Update the graphics driver: browsers keep WebGPU from those that they know to be faulty. chrome://gpu and, in Firefox, " +
          "about:support say whether yours is one.",
          ...switchOn(place),
        ],
      };
    case "lost":
      return {
        title: "The GPU was lost while it was training.",
        remedies: [
          "Press Train: the browser asks for the GPU again. A driver that was reset or updated answers after a few seconds.",
          "If it happens again, close other pages that use the GPU, or restart the browser.",
          withoutBrowser,
        ],
      };
    case "memory":
      return {
        title: "The GPU has too little free memory.",
        remedies: [
          "The training takes under 20 MB. Close other pages and programs that use the GPU, and press Train.",
          withoutBrowser,
        ],
      };
    case "script":
      return {
        title: "The code that trains did not arrive.",
        remedies: [
          "Check that the dashboard is still running where it was started, then load this page again.",
          "If it is running and was updated meanwhile, loading the page again is enough.",
        ],
      };
    case "other":
      return {
        title: "The training failed.",
        remedies: [
          "Press Train to try it once more.",
          "If it fails the same way, it is a fault of Winnow or of the graphics driver: update the driver, and report what stands " +
          "here together with the browser's version.",
          withoutBrowser,
        ],
      };
  }
}

/** How to switch WebGPU on: in the browser at hand first. */
function switchOn({ userAgent }: Place): string[] {
  const isLinux = /Linux/.test(userAgent) && !/Android/.test(userAgent);
  const chromium = isLinux
    ? "Chrome, Edge and Chromium on Linux have it from version 144 on newer Intel and from 147 on NVIDIA graphics. For others start the " +
      "browser with `--enable-unsafe-webgpu --ozone-platform=x11 --use-angle=vulkan --enable-features=Vulkan,VulkanFromANGLE`."
    : "Chrome and Edge have it from version 113 on Windows, macOS and ChromeOS, and from 121 on Android 12 and later: update the " +
      "browser. Where it is still missing, set chrome://flags/#enable-unsafe-webgpu to Enabled and restart the browser.";
  const firefox = isLinux
    ? "Firefox on Linux has it in Nightly alone: there, or where it is missing, open about:config, set dom.webgpu.enabled to true and restart " +
      "the browser."
    : "Firefox has it from version 141 on Windows and from 145 on macOS with Apple silicon: update the browser. Where it is still " +
      "missing, open about:config, set dom.webgpu.enabled to true and restart the browser.";
  const safari =
    "Safari has it from version 26 on macOS, iOS and iPadOS. In older ones look for WebGPU among Feature Flags: on macOS in the Develop " +
    "menu, on iOS under Settings, Apps, Safari, Advanced.";
  const own = browserOf(userAgent);
  const others = isLinux ? [chromium, firefox] : [chromium, firefox, safari];
  const [first] = own === "firefox" ? [firefox] : own === "safari" ? [safari] : [chromium];
  return [first ?? chromium, ...others.filter((text) => text !== first), withoutBrowser];
}

function browserOf(userAgent: string): "chromium" | "firefox" | "safari" {
  if (/Firefox\/|FxiOS\//.test(userAgent)) return "firefox";
  return /Chrome\/|Chromium\/|CriOS\/|Edg/.test(userAgent) ? "chromium" : "safari";
}
