/**
 * Where the training runs: in a worker of its own, so that the page stays quick while the CPU draws batches and the GPU works.
 *
 * This module is loaded twice. In the page it starts a worker from its own address; in that worker it loads what trains, which the
 * page itself never does. So a bundler that splits code at dynamic imports is all that it takes.
 *
 * @module
 */

/** Where to send orders, and where reports come from. */
export interface Trainer {
  /** The page's end. */
  readonly port: MessagePort;
  /** Ends it, whatever it is doing. */
  close(): void;
}

/** Starts a trainer in a worker. `onFailure` is told when the worker's code cannot be loaded. */
export function openWorker(onFailure: (message: string) => void): Trainer {
  const worker = new Worker(import.meta.url, { type: "module" });
  const { port1, port2 } = new MessageChannel();
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    onFailure(event.message || "The worker could not be started.");
  });
  worker.addEventListener("message", ({ data }) => onFailure(String(data)));
  worker.postMessage(null, [port2]);
  return {
    port: port1,
    close: () => {
      port1.close();
      worker.terminate();
    },
  };
}

/** Starts a trainer in the page itself: for browsers that have WebGPU in pages alone. */
export async function openInPage(): Promise<Trainer> {
  const { serveTraining } = await import("./try_engine.ts");
  const { port1, port2 } = new MessageChannel();
  const close = serveTraining(port2);
  return {
    port: port1,
    close: () => {
      port1.close();
      close();
    },
  };
}

// Heard from the first moment on: what is sent before the code below is there must not be lost.
if ("DedicatedWorkerGlobalScope" in globalThis) {
  const scope = globalThis;
  addEventListener("message", async ({ ports: [port] }: MessageEvent) => {
    try {
      const { serveTraining } = await import("./try_engine.ts");
      if (port) serveTraining(port);
    } catch (error) {
      scope.postMessage(error instanceof Error ? error.message : String(error));
    }
  }, { once: true });
}
