// A helper thread of the CPU backend: computes its part of every large product until the backend is disposed of.
import { serveThread, type ThreadStart } from "../src/engine/wasm/thread.ts";

addEventListener("message", ({ data }: MessageEvent<ThreadStart>) => {
  serveThread(data);
  close();
});
