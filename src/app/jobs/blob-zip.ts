import { sha256 } from "../../domain/data/hash.ts";
import { crc32 } from "../../domain/formats/zip.ts";
import { ZipWriter } from "../../domain/formats/zip-writer.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { ExportedFile } from "../studio-models.ts";

interface Growing {
  readonly path: string;
  readonly parts: Blob[];
  crc: number;
  size: number;
}

/** A .zip of files that come in parts. Parts go to the browser as Blobs at once, so that no file is ever whole in memory. */
export class BlobZip {
  private readonly top: string;
  private readonly files: Growing[] = [];
  private readonly digests: Promise<string>[] = [];

  /** @param top the folder in the archive, and the archive's name */
  constructor(top: string) {
    this.top = top;
  }

  /** Bytes of a file, after those of the same file that came before; one file after the other. */
  add(path: string, bytes: Uint8Array): void {
    let file = this.files.at(-1);
    if (file?.path !== path) {
      file = { path, parts: [], crc: 0, size: 0 };
      this.files.push(file);
    }
    const own = bytes.slice();
    this.digests.push(sha256(own));
    file.parts.push(new Blob([own]));
    file.crc = crc32(own, file.crc);
    file.size += own.length;
  }

  /** The archive, every part of it read back and compared. Throws "corrupt" where one differs. */
  async file(verified: string): Promise<ExportedFile> {
    const pieces: Blob[] = [];
    const places: (readonly [from: number, to: number])[] = [];
    let at = 0;
    const append = (blob: Blob): void => {
      pieces.push(blob);
      at += blob.size;
    };
    const writer = new ZipWriter((part) => append(new Blob([part.slice()])));
    for (const { path, parts, crc, size } of this.files) {
      writer.open({ name: `${this.top}/${path}`, crc, size });
      for (const part of parts) {
        places.push([at, at + part.size]);
        append(part);
      }
    }
    writer.end();
    const blob = new Blob(pieces, { type: "application/zip" });
    await this.check(blob, places);
    return { name: `${this.top}.zip`, blob, verified };
  }

  private async check(blob: Blob, places: readonly (readonly [number, number])[]): Promise<void> {
    for (const [index, [from, to]] of places.entries()) {
      const back = new Uint8Array(await blob.slice(from, to).arrayBuffer());
      if ((await sha256(back)) === (await this.digests[index])) continue;
      throw new RetuneError(
        "corrupt",
        `${this.top}.zip reads back differently at byte ${from}. Export again.`,
      );
    }
  }
}
