import { RetuneError } from "../../engine/errors.ts";
import { opening, placeIn } from "../data/import-report.ts";
import { decodeText } from "../text/decode.ts";
import type { FolderFiles } from "./adapter-folder.ts";
import { JsonFields } from "./json-fields.ts";

/** The files of a folder that was picked or unpacked, by relative path; every error names `folder`/path. */
export class FolderReader {
  readonly files: FolderFiles;
  private readonly folder: string | undefined;

  constructor(files: FolderFiles, folder?: string) {
    this.files = files;
    this.folder = folder;
  }

  /** The name of a file as messages show it. */
  shown(path: string): string {
    return [this.folder, path].filter((part) => part !== undefined && part !== "").join("/");
  }

  has(path: string): boolean {
    return this.files.has(path);
  }

  /** E_FIELD with what is there instead, where the file is missing. */
  bytes(path: string): Uint8Array {
    const found = this.files.get(path);
    if (found) return found;
    const names = [...this.files.keys()].slice(0, 8).join(", ") || "nothing";
    const message = `${opening(this.folder)}${path} is missing in the folder; it has ${names}`;
    throw new RetuneError("E_FIELD", message, placeIn(this.folder));
  }

  text(path: string): string {
    return decodeText(this.bytes(path), this.shown(path)).text;
  }

  fields(path: string): JsonFields {
    return JsonFields.parse(this.text(path), this.shown(path));
  }

  /** The members of a JSON file that need not be there. */
  optionalFields(path: string): JsonFields | undefined {
    return this.has(path) ? this.fields(path) : undefined;
  }

  refusal(code: "E_MISMATCH" | "unsupported" | "E_UNKNOWN_FORMAT", path: string, what: string): RetuneError {
    return new RetuneError(code, `${this.shown(path)}: ${what}`, placeIn(this.shown(path)));
  }
}

/** Text files as UTF-8 bytes. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A JSON file as Python's json.dump(indent=2) lays it out, newline at the end. */
export function jsonFile(value: unknown): Uint8Array {
  return utf8(`${JSON.stringify(value, null, 2)}\n`);
}
