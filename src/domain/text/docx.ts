// Word documents (ECMA-376) through mammoth, which turns them into plain HTML by the names of their styles; our reader
// of web pages takes it from there. Nothing outside the file is followed, pictures are not unpacked.
import { RetuneError, type ErrorCode } from "../../engine/errors.ts";
import { opening, placeIn } from "../data/import-report.ts";
import { openZip, ZIP_LIMITS, type ZipArchive, type ZipEntry } from "../formats/zip.ts";
import { decodeEntities } from "./entities.ts";
import { readHtml } from "./html.ts";
import { squeezed, type DocumentContent } from "./structure.ts";

const LIMITS = { ...ZIP_LIMITS, entries: 10_000 };
const PART_BYTES = 128_000_000; // of one XML part
const DEPTH = 256; // elements inside elements; Word's own stay below 40
const STYLES = ["p[style-name='Title'] => h1:fresh", "p[style-name='Subtitle'] => h2:fresh"];
const BACK_LINKS = /<a href="#(?:foot|end)note-ref-[^"]{0,100}">↑<\/a>/g; // from a note to where it is called
const OTHER_OFFICE: readonly (readonly [string, string])[] = [
  ["xl/workbook.xml", "a spreadsheet; save its sheet as CSV and import that"],
  ["ppt/presentation.xml", "a presentation; save it as PDF and import that"],
  ["mimetype", "an OpenDocument or EPUB file; save it as DOCX, PDF or HTML and import that"],
];

/**
 * A Word document → its headings, paragraphs, lists, tables and footnotes. Errors: E_ZIP, E_TOO_LARGE and E_CHECKSUM of
 * the archive; E_DOCX for a part that is missing, broken or declares a DOCTYPE; E_DEPTH for elements nested too deep;
 * E_UNKNOWN_FORMAT for another Office file.
 */
export async function readDocx(name: string, bytes: Uint8Array): Promise<DocumentContent> {
  const archive = openZip(bytes, name, LIMITS);
  refuseOthers(name, archive);
  const core = checkParts(name, archive);
  const html = (await htmlOf(name, bytes)).replace(BACK_LINKS, "");
  const title = core === undefined ? undefined : /<dc:title>([^<]{1,300})<\/dc:title>/.exec(core)?.[1];
  const shown = title === undefined ? "" : squeezed(decodeEntities(title));
  const content = { blocks: readHtml(html).blocks, warnings: [] };
  return shown === "" ? content : { ...content, title: shown };
}

function refuseOthers(name: string, { entries }: ZipArchive): void {
  const other = OTHER_OFFICE.find(([part]) => entries.has(part));
  if (other) throw failure("E_UNKNOWN_FORMAT", name, `this is ${other[1]}`);
  if (entries.has("[Content_Types].xml")) return;
  throw failure("E_DOCX", name, "its list of contents is missing, so this is no Word document; save it anew");
}

/** Looks at every part that is XML, under whatever name; gives the part with the document's title. */
function checkParts(name: string, archive: ZipArchive): string | undefined {
  let core: string | undefined;
  for (const entry of archive.entries.values()) {
    if (entry.name.endsWith("/")) continue;
    const part = xmlOf(name, archive, entry);
    if (part === undefined) continue;
    const declared = /<!(?:DOCTYPE|ENTITY|ELEMENT)/i.exec(part);
    const place = `${entry.name}, character ${declared?.index ?? 0}`;
    if (declared)
      throw failure("E_DOCX", name, `${place}: a DOCTYPE, as no Word document has one; save it anew`);
    if (isTooDeep(part)) {
      const what = `${entry.name}: elements nested deeper than ${DEPTH} levels; save it anew`;
      throw failure("E_DEPTH", name, what);
    }
    if (entry.name === "docProps/core.xml") core = part;
  }
  return core;
}

function xmlOf(name: string, archive: ZipArchive, entry: ZipEntry): string | undefined {
  const looksXml = /\.(?:xml|rels)$/i.test(entry.name);
  if (entry.size > PART_BYTES) {
    if (!looksXml) return undefined;
    const what = `${entry.name} holds ${entry.size} bytes; parts up to ${PART_BYTES / 1e6} MB are read`;
    throw failure("E_TOO_LARGE", name, what);
  }
  const bytes = archive.extract(entry);
  const start = new TextDecoder().decode(bytes.subarray(0, 64)).trimStart();
  return looksXml || start.startsWith("<") ? new TextDecoder().decode(bytes) : undefined;
}

/** Counts opening and closing tags; comments and declarations are passed over. */
function isTooDeep(xml: string): boolean {
  let depth = 0;
  let end = -1; // of the tag, or of one before it
  for (let at = xml.indexOf("<"); at >= 0; at = xml.indexOf("<", at + 1)) {
    const mark = xml[at + 1];
    if (mark === "!" || mark === "?") continue;
    if (end < at) end = xml.indexOf(">", at);
    if (end < 0) return false; // cut off: the reader says so
    if (mark === "/") depth--;
    else if (xml[end - 1] !== "/" && ++depth > DEPTH) return true;
  }
  return false;
}

async function htmlOf(name: string, bytes: Uint8Array): Promise<string> {
  const { default: mammoth } = await import("mammoth");
  const copy = bytes.slice().buffer;
  const input = { arrayBuffer: copy, buffer: copy }; // mammoth's names for it in a browser and in Node
  const withoutPictures = mammoth.images.imgElement(() => Promise.resolve({ src: "" }));
  try {
    const settings = { styleMap: STYLES, convertImage: withoutPictures, externalFileAccess: false };
    return (await mammoth.convertToHtml(input, settings)).value;
  } catch (error) {
    const detail = error instanceof Error ? error.message.replace(/\s+/g, " ").slice(0, 120) : "";
    throw failure("E_DOCX", name, `it is broken (${detail}); open it in its program and save it anew`, error);
  }
}

function failure(code: ErrorCode, name: string, what: string, cause?: unknown): RetuneError {
  const options = cause === undefined ? {} : { cause };
  return new RetuneError(code, opening(name) + what, placeIn(name), options);
}
