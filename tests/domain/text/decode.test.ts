import { expect, test } from "vitest";
import { checkFileSize, decodeText, firstInvalidUtf8 } from "../../../src/domain/text/decode.ts";
import { refusal } from "../formats/refusal.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

test("T1: an invalid byte is named with its offset and line", () => {
  const bytes = Uint8Array.of(...utf8("first\nsecond "), 0xff, 0x41);
  const error = refusal(() => decodeText(bytes, "a.txt"), "E_UTF8", "a.txt", "byte 13 (0xff)");
  expect(error.place).toEqual({ file: "a.txt", byte: 13, line: 2 });
  refusal(() => decodeText(Uint8Array.of(0x63, 0x61, 0x66, 0xe9)), "E_UTF8", "byte 3", "save it as UTF-8");
});

test("the byte scanner agrees with the platform's decoder on every two-, three- and cut-off sequence", () => {
  const interesting = [
    0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4,
    0xf5, 0xff,
  ];
  const valid = (bytes: Uint8Array) => {
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      return true;
    } catch {
      return false;
    }
  };
  let checked = 0;
  for (const a of interesting) {
    for (const b of interesting) {
      for (const c of interesting) {
        for (const bytes of [Uint8Array.of(a, b), Uint8Array.of(a, b, c), Uint8Array.of(a, b, c, 0xbf)]) {
          expect(firstInvalidUtf8(bytes) < 0, [...bytes].join()).toBe(valid(bytes));
          checked++;
        }
      }
    }
  }
  expect(checked).toBe(interesting.length ** 3 * 3);
});

test("T2, T3: byte order marks choose the encoding and are dropped", () => {
  expect(decodeText(Uint8Array.of(0xef, 0xbb, 0xbf, ...utf8("né")))).toMatchObject({
    text: "né",
    encoding: "utf-8",
  });
  expect(decodeText(Uint8Array.of(0xff, 0xfe, 0x6e, 0, 0xe9, 0))).toMatchObject({
    text: "né",
    encoding: "utf-16le",
  });
  expect(decodeText(Uint8Array.of(0xfe, 0xff, 0, 0x6e, 0, 0xe9))).toMatchObject({
    text: "né",
    encoding: "utf-16be",
  });
});

test("T4: zero bytes and renamed binaries are not text", () => {
  refusal(() => decodeText(Uint8Array.of(0x41, 0, 0x42)), "E_BINARY", "byte 1");
  refusal(() => decodeText(utf8("%PDF-1.7 …"), "a.txt"), "E_BINARY", "PDF");
  refusal(() => decodeText(Uint8Array.of(0x50, 0x4b, 3, 4, 9)), "E_BINARY", "ZIP");
});

test("T5: nothing and white space only are empty", () => {
  refusal(() => decodeText(new Uint8Array(0)), "E_EMPTY");
  refusal(() => decodeText(utf8(" \n\t\u00a0"), "b.md"), "E_EMPTY", "b.md");
});

test("T6: a file is refused by its size before it is read", () => {
  refusal(() => checkFileSize(1e9, "big.txt"), "E_TOO_LARGE", "big.txt", "1000 MB", "512 MB");
  expect(() => checkFileSize(512e6)).not.toThrow();
});

test("T7, T8: half characters are replaced and counted, invisible ones counted", () => {
  const half = decodeText(Uint8Array.of(0xff, 0xfe, 0x41, 0, 0x3d, 0xd8, 0x42, 0));
  expect(half.text).toBe("A\ufffdB");
  expect(half.warnings).toMatchObject([{ code: "lone-surrogate", count: 1 }]);
  expect(decodeText(utf8("a\u202eb\u200bc")).warnings).toMatchObject([
    { code: "hidden-characters", count: 2 },
  ]);
});
