// A whole project as one .zip: its files and manifest.json, which names the format, its version, and size and SHA-256
// of every other entry. Reading trusts nothing that the manifest does not vouch for. Archives inside are plain data.
import { deflateSync } from "fflate";
import { RetuneError, type ErrorCode } from "../../engine/errors.ts";
import { sha256 } from "../data/hash.ts";
import { opening, placeIn } from "../data/import-report.ts";
import { decodeText } from "../text/decode.ts";
import { parseJson, type JsonNode, type JsonObject } from "./json.ts";
import { openZip, isSafePath, ZIP_LIMITS, type ZipArchive, type ZipLimits } from "./zip.ts";
import { joined, ZipWriter, type ZipContent } from "./zip-writer.ts";

export type ProjectFiles = ReadonlyMap<string, Uint8Array>; // relative path → content

const PROJECT_FORMAT = "retune-project";
const PROJECT_VERSION = 1; // raise when an older Retune could misread the files
const MANIFEST = "manifest.json";
const PACKED = /\.(?:json|jsonl|csv|txt|md|html)$/; // numbers do not shrink, so they are stored

/** Packs files with their manifest. The same files give the same bytes. */
export async function writeProjectZip(files: ProjectFiles): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const writer = new ProjectZipWriter((part) => void parts.push(part));
  for (const [name, bytes] of files) await writer.add(name, bytes);
  writer.end();
  return joined(parts);
}

/** The same, one file after another, so that models need not lie in memory together; the manifest comes last. */
export class ProjectZipWriter {
  private readonly zip: ZipWriter;
  private readonly entries: Record<string, { bytes: number; sha256: string }> = {};

  constructor(write: (part: Uint8Array) => void) {
    this.zip = new ZipWriter(write);
  }

  async add(name: string, bytes: Uint8Array): Promise<void> {
    if (!isSafePath(name) || name === MANIFEST || Object.hasOwn(this.entries, name)) {
      throw new RetuneError("unsupported", `a project cannot hold a file named ${JSON.stringify(name)}`);
    }
    this.entries[name] = { bytes: bytes.length, sha256: await sha256(bytes) };
    this.zip.add(content(name, bytes));
  }

  end(): void {
    const manifest = { format: PROJECT_FORMAT, version: PROJECT_VERSION, entries: this.entries };
    const bytes = new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`);
    this.zip.add({ name: MANIFEST, bytes });
    this.zip.end();
  }
}

/**
 * Unpacks and verifies. Errors: E_ZIP (container, an entry the manifest does not name, none at all), E_TOO_LARGE, E_VERSION (written by
 * a newer Retune), E_CHECKSUM naming the entry, E_FIELD (a manifest of another shape), E_UNKNOWN_FORMAT (no project).
 */
export async function readProjectZip(
  bytes: Uint8Array,
  file?: string,
  limits: ZipLimits = ZIP_LIMITS,
): Promise<ProjectFiles> {
  const archive = openZip(bytes, file, limits);
  const vouched = readManifest(archive, file);
  const files = new Map<string, Uint8Array>();
  for (const entry of archive.entries.values()) {
    if (entry.name === MANIFEST || entry.name.endsWith("/")) continue;
    const expected = vouched.get(entry.name);
    if (!expected) throw failure("E_ZIP", file, `${JSON.stringify(entry.name)} is not in the manifest`);
    const content = archive.extract(entry); // of a stored one a view: the file stays in memory anyway
    if (content.length !== expected.bytes || (await sha256(content)) !== expected.sha256) {
      throw failure(
        "E_CHECKSUM",
        file,
        `${JSON.stringify(entry.name)} is not what was packed; copy the file again`,
      );
    }
    files.set(entry.name, content);
  }
  for (const name of vouched.keys()) {
    if (!files.has(name))
      throw failure("E_ZIP", file, `${JSON.stringify(name)} is missing; the archive is incomplete`);
  }
  return files;
}

interface Vouched {
  readonly bytes: number;
  readonly sha256: string;
}

function content(name: string, bytes: Uint8Array): ZipContent {
  if (!PACKED.test(name)) return { name, bytes };
  const packed = deflateSync(bytes);
  const usual = packed.length < bytes.length && bytes.length < packed.length * (ZIP_LIMITS.expansion / 2);
  return usual ? { name, bytes, packed } : { name, bytes }; // what shrinks too well would be taken for a bomb
}

function readManifest(archive: ZipArchive, file: string | undefined): ReadonlyMap<string, Vouched> {
  const entry = archive.entries.get(MANIFEST);
  if (!entry) throw failure("E_UNKNOWN_FORMAT", file, `no ${MANIFEST} in it, so this is no Retune project`);
  const path = file === undefined ? MANIFEST : `${file}/${MANIFEST}`;
  const { root } = parseJson(decodeText(archive.extract(entry), path).text, path);
  const format = member(root, "format");
  if (root.kind !== "object" || format?.kind !== "string" || format.value !== PROJECT_FORMAT) {
    throw failure(
      "E_UNKNOWN_FORMAT",
      path,
      `format is not "${PROJECT_FORMAT}", so this is no Retune project`,
    );
  }
  const version = member(root, "version");
  if (version?.kind !== "number" || !Number.isInteger(version.value) || version.value < 1) {
    throw failure("E_FIELD", path, "version must be a whole number");
  }
  if (version.value > PROJECT_VERSION) {
    const versions = `version ${version.value}, this Retune reads up to ${PROJECT_VERSION}`;
    throw failure("E_VERSION", path, `written by a newer Retune (${versions}); update Retune`);
  }
  return readEntries(root, path);
}

function readEntries(root: JsonObject, path: string): ReadonlyMap<string, Vouched> {
  const entries = root.entries.get("entries");
  if (entries?.kind !== "object") throw failure("E_FIELD", path, "entries must be an object");
  return new Map(
    Array.from(entries.entries, ([name, node]) => {
      const [bytes, hash] = [member(node, "bytes"), member(node, "sha256")];
      if (bytes?.kind !== "number" || hash?.kind !== "string" || !/^[0-9a-f]{64}$/.test(hash.value)) {
        throw failure("E_FIELD", path, `entries[${JSON.stringify(name.slice(0, 80))}] lacks bytes or sha256`);
      }
      return [name, { bytes: bytes.value, sha256: hash.value }];
    }),
  );
}

function member(node: JsonNode, key: string): JsonNode | undefined {
  return node.kind === "object" ? node.entries.get(key) : undefined;
}

function failure(code: ErrorCode, file: string | undefined, what: string): RetuneError {
  return new RetuneError(code, opening(file) + what, placeIn(file));
}
