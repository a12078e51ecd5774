import { RetuneError } from "../../engine/errors.ts";
import { opening, placeIn } from "../data/import-report.ts";
import { openZip } from "../formats/zip.ts";
import type { DocumentContent } from "./documents.ts";
import { readHtml } from "./html.ts";

const PARTS = /\.(?:xml|rels)$/i;

/**
 * A Word document → its headings, paragraphs, lists and tables, through mammoth and the reader of web pages. Errors:
 * E_ZIP, E_TOO_LARGE and E_CHECKSUM of the archive, E_DOCX for a part that is missing, broken or declares a DOCTYPE.
 */
export async function readDocx(name: string, bytes: Uint8Array): Promise<DocumentContent> {
  const archive = openZip(bytes, name);
  if (!archive.entries.has("word/document.xml"))
    throw failure(name, "the part word/document.xml is missing, so this is no Word document; save it anew");
  for (const entry of archive.entries.values()) {
    if (!PARTS.test(entry.name)) continue;
    const xml = new TextDecoder().decode(archive.extract(entry));
    if (/<!(?:DOCTYPE|ENTITY)/i.test(xml))
      throw failure(name, `${entry.name} declares a DOCTYPE, as no Word document does; save it anew`);
  }
  const { default: mammoth } = await import("mammoth");
  try {
    const copy = bytes.slice().buffer;
    const input = { arrayBuffer: copy, buffer: copy }; // mammoth's names for it in a browser and in Node
    const { value } = await mammoth.convertToHtml(input);
    return { ...readHtml(value), warnings: [] };
  } catch (error) {
    throw failure(name, "it cannot be read as a Word document; save it anew", error);
  }
}

function failure(name: string, what: string, cause?: unknown): RetuneError {
  const options = cause === undefined ? {} : { cause };
  return new RetuneError("E_DOCX", opening(name) + what, placeIn(name), options);
}
