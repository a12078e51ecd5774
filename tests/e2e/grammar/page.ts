import { installTrustedTypes } from "../../../src/app/trusted-types.ts";

installTrustedTypes();
const worker = new Worker(new URL("./grammar.worker.ts", import.meta.url), { type: "module" });
worker.onmessage = ({ data }: MessageEvent<string>) => {
  document.body.textContent = data;
};
worker.onerror = ({ message }) => {
  document.body.textContent = `failed: ${message}`;
};
