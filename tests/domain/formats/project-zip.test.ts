import { zipSync } from "fflate";
import { expect, test } from "vitest";
import { sha256 } from "../../../src/domain/data/hash.ts";
import { readProjectZip, writeProjectZip } from "../../../src/domain/formats/project-zip.ts";
import { isSafePath, openZip, ZIP_LIMITS } from "../../../src/domain/formats/zip.ts";
import { writeZip } from "../../../src/domain/formats/zip-writer.ts";
import { laterRefusal, refusal } from "./refusal.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const files = new Map([
  [
    "project.json",
    utf8(JSON.stringify({ name: "Käse", list: Array.from({ length: 200 }, (_, index) => index) })),
  ],
  ["runs/1/weights.bin", Uint8Array.from({ length: 3000 }, (_, index) => (index * 7919) & 0xff)],
  ["empty.txt", new Uint8Array(0)],
]);
const project = await writeProjectZip(files);

async function withManifest(entries: Record<string, unknown>, changes: object = {}): Promise<Uint8Array> {
  const manifest = { format: "retune-project", version: 1, entries, ...changes };
  return writeZip([
    { name: "manifest.json", bytes: utf8(JSON.stringify(manifest)) },
    { name: "a.txt", bytes: utf8("a") },
  ]);
}

const vouched = { bytes: 1, sha256: await sha256("a") };

test("a project comes back file for file, text packed, the same bytes every time", async () => {
  expect([...(await readProjectZip(project))]).toEqual([...files]);
  expect(await writeProjectZip(files)).toEqual(project);
  const entries = openZip(project).entries;
  expect(entries.get("project.json")!.stored).toBe(false);
  expect(entries.get("runs/1/weights.bin")!.stored).toBe(true);
});

test("an archive that another program packed again is read too", async () => {
  const manifest = openZip(project).extract(openZip(project).entries.get("manifest.json")!);
  const again = zipSync({
    "manifest.json": manifest,
    ...Object.fromEntries(files),
    "runs/": new Uint8Array(0),
  });
  expect(new Map(await readProjectZip(again))).toEqual(files);
});

test("Z1: what unpacks to more than its share is refused before it is unpacked", () => {
  const bomb = zipSync({ "a.txt": new Uint8Array(10_000_000) }, { level: 9 });
  refusal(() => openZip(bomb, "b.zip"), "E_TOO_LARGE", "b.zip", "times its size");
  refusal(() => openZip(project, "p", { ...ZIP_LIMITS, expandedBytes: 100 }), "E_TOO_LARGE", "100");
});

test("Z1, Z5: an entry that unpacks to more or less than it says is refused", () => {
  const text = utf8("hello hello hello hello hello");
  for (const size of [10, 40]) {
    const lying = zipSync({ "a.txt": text });
    const at = lying.length - 22 - 46 - 5;
    new DataView(lying.buffer).setUint32(at + 24, size, true);
    new DataView(lying.buffer).setUint32(22, size, true);
    const archive = openZip(lying);
    refusal(() => archive.extract(archive.entries.get("a.txt")!), "E_ZIP", size === 10 ? "more" : "less");
  }
});

test("Z2: an archive inside is data and is not opened", async () => {
  const nested = new Map([["inner.zip", zipSync({ "x.txt": new Uint8Array(1_000_000) })]]);
  expect((await readProjectZip(await writeProjectZip(nested))).get("inner.zip")).toEqual(
    nested.get("inner.zip"),
  );
});

test("Z3: names that leave the folder are refused", async () => {
  for (const name of ["../x", "/etc/x", "C:\\x", "a\\b", "a\0b", "a/../b", "./a", "a//b", "", "..", "a:b"]) {
    expect(isSafePath(name), JSON.stringify(name)).toBe(false);
    if (name !== "") refusal(() => openZip(writeZip([{ name, bytes: utf8("x") }])), "E_ZIP", "leaves");
  }
  expect(isSafePath("runs/1/ä b.json")).toBe(true);
  refusal(() => openZip(writeZip([{ name: "n".repeat(65_000), bytes: utf8("x") }])), "E_ZIP", "65000 bytes");
  await laterRefusal(() => writeProjectZip(new Map([["../x", utf8("x")]])), "unsupported", "../x");
});

test("Z4: duplicate names, headers that disagree and overlapping entries are refused", () => {
  const twice = writeZip([
    { name: "a.txt", bytes: utf8("1") },
    { name: "a.txt", bytes: utf8("2") },
  ]);
  refusal(() => openZip(twice), "E_ZIP", '"a.txt" stands in the archive twice');
  const renamed = writeZip([{ name: "a.txt", bytes: utf8("1") }]);
  renamed[30] = 0x62;
  refusal(() => openZip(renamed), "E_ZIP", "disagree");
  const overlapping = writeZip([
    { name: "a", bytes: utf8("x".repeat(40)) },
    { name: "b", bytes: utf8("y".repeat(40)) },
  ]);
  const view = new DataView(overlapping.buffer);
  const first = overlapping.length - 22 - 2 * 47;
  for (const at of [18, first + 20]) view.setUint32(at, 60, true);
  for (const at of [22, first + 24]) view.setUint32(at, 60, true);
  refusal(() => openZip(overlapping), "E_ZIP", "overlaps");
});

test("Z6, Z7: encrypted archives and too many entries are refused", () => {
  const encrypted = writeZip([{ name: "a.txt", bytes: utf8("1") }]);
  encrypted[encrypted.length - 22 - 46 - 5 + 8]! |= 1;
  refusal(() => openZip(encrypted), "E_ZIP", "encrypted");
  refusal(() => openZip(project, undefined, { ...ZIP_LIMITS, entries: 3 }), "E_TOO_LARGE", "4 entries");
});

test("Z8: a truncated archive is called incomplete; other files are no archive", () => {
  refusal(() => openZip(project.subarray(0, project.length - 30), "p.zip"), "E_ZIP", "p.zip", "incomplete");
  refusal(() => openZip(utf8("hello"), "p.zip"), "E_ZIP", "not a ZIP");
  refusal(() => openZip(Uint8Array.of(...project, 1)), "E_ZIP", "incomplete");
});

test("Z9, A5: a damaged entry is named, by CRC and by the manifest's SHA-256", async () => {
  const damaged = project.slice();
  damaged[openZip(project).entries.get("runs/1/weights.bin")!.start + 5]! ^= 0x10;
  await laterRefusal(() => readProjectZip(damaged), "E_CHECKSUM", "runs/1/weights.bin", "CRC");
  const forged = await withManifest({ "a.txt": { bytes: 1, sha256: "0".repeat(64) } });
  await laterRefusal(() => readProjectZip(forged, "p.zip"), "E_CHECKSUM", '"a.txt"', "p.zip");
});

test("Z10, A6: a newer version asks for an update", async () => {
  const newer = await withManifest({ "a.txt": vouched }, { version: 2 });
  await laterRefusal(() => readProjectZip(newer), "E_VERSION", "version 2", "update");
});

test("entries and manifest must name each other", async () => {
  expect((await readProjectZip(await withManifest({ "a.txt": vouched }))).size).toBe(1);
  await laterRefusal(
    async () => readProjectZip(await withManifest({})),
    "E_ZIP",
    '"a.txt" is not in the manifest',
  );
  const more = await withManifest({ "a.txt": vouched, "b.txt": vouched });
  await laterRefusal(() => readProjectZip(more), "E_ZIP", '"b.txt" is missing');
  await laterRefusal(async () => readProjectZip(await withManifest({ "a.txt": 1 })), "E_FIELD", "a.txt");
  await laterRefusal(async () => readProjectZip(await withManifest({}, { format: "x" })), "E_UNKNOWN_FORMAT");
  await laterRefusal(
    async () => readProjectZip(await withManifest({}, { version: "1" })),
    "E_FIELD",
    "version",
  );
  await laterRefusal(
    () => readProjectZip(zipSync({ "a.txt": utf8("a") }), "z"),
    "E_UNKNOWN_FORMAT",
    "no Retune project",
  );
});
