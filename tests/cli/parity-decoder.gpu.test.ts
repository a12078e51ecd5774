import { test } from "vitest";
import { openDawn } from "../engine/dawn.ts";
import { expectDecoderReplay } from "./decoder-parity.ts";

test("a decoder's LoRA trains on WebGPU as torch trained it", async () => {
  const backend = await openDawn();
  await expectDecoderReplay(backend);
  await expectDecoderReplay(backend, "frugal"); // vocabulary in parts, layers recomputed
  backend.dispose();
});
