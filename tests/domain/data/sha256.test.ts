import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { Sha256 } from "../../../src/domain/data/sha256.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("digests of every length over several blocks, added in two pieces, are those of OpenSSL", () => {
  for (let length = 0; length < 300; length++) {
    const bytes = Uint8Array.from({ length }, (_, index) => (index * 37 + length) & 255);
    const cut = (length * 7) % (length + 1);
    const digest = new Sha256().add(bytes.subarray(0, cut)).add(bytes.subarray(cut)).finish();
    expect(hex(digest)).toBe(createHash("sha256").update(bytes).digest("hex"));
  }
});
