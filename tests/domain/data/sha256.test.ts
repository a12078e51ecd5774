import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { sha256 } from "../../../src/domain/data/hash.ts";
import { Sha256 } from "../../../src/domain/data/sha256.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("texts of any length are hashed as their UTF-8, pairs of surrogates whole", async () => {
  for (const text of [
    "",
    "plain",
    "é߿ࠀ中￿😀\ud800x\udc00",
    `${"😀é".repeat(30_000)}!`,
    "a".repeat(100_001),
  ]) {
    const expected = createHash("sha256").update(new TextEncoder().encode(text)).digest("hex");
    const hash = new Sha256();
    for (const _time of [1, 2]) expect(hex(hash.addText(text).finish())).toBe(expected);
    expect(await sha256(text)).toBe(expected);
  }
});

test("digests of every length over several blocks, added in two pieces, are those of OpenSSL", () => {
  for (let length = 0; length < 300; length++) {
    const bytes = Uint8Array.from({ length }, (_, index) => (index * 37 + length) & 255);
    const cut = (length * 7) % (length + 1);
    const digest = new Sha256().add(bytes.subarray(0, cut)).add(bytes.subarray(cut)).finish();
    expect(hex(digest)).toBe(createHash("sha256").update(bytes).digest("hex"));
  }
});
