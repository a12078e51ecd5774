import { RetuneError } from "../../engine/errors.ts";
import { opening, placeIn } from "../data/import-report.ts";
import type { RunControl } from "../ports.ts";
import type { DocumentContent } from "./documents.ts";
import { squeezed, type TextBlock } from "./structure.ts";

/** The text layer of a PDF, page by page. */
export async function readPdf(
  name: string,
  bytes: Uint8Array,
  control: RunControl = {},
): Promise<DocumentContent> {
  const pdfjs = await loadPdfjs();
  const task = pdfjs.getDocument({
    data: bytes.slice(),
    isEvalSupported: false,
    useWasm: false,
    useWorkerFetch: false,
    disableFontFace: true,
    useSystemFonts: false,
    verbosity: 0,
  });
  const blocks: TextBlock[] = [];
  try {
    const document = await task.promise;
    for (let number = 1; number <= document.numPages; number++) {
      if (control.signal?.aborted) throw new RetuneError("cancelled", `${opening(name)}cancelled`);
      const page = await document.getPage(number);
      const { items } = await page.getTextContent();
      const text = squeezed(
        items.map((item) => ("str" in item ? item.str + (item.hasEOL ? "\n" : "") : "")).join(""),
      );
      if (text !== "") blocks.push({ kind: "paragraph", level: 0, text, page: number });
    }
    return { blocks, warnings: [], pages: document.numPages };
  } catch (error) {
    if (error instanceof RetuneError) throw error;
    throw new RetuneError("E_PDF", `${opening(name)}cannot be read; save it anew`, placeIn(name), {
      cause: error,
    });
  } finally {
    await task.destroy();
  }
}

async function loadPdfjs(): Promise<typeof import("pdfjs-dist")> {
  const home = globalThis as { pdfjsWorker?: object };
  home.pdfjsWorker ??= await import("pdfjs-dist/legacy/build/pdf.worker.mjs");
  return import("pdfjs-dist/legacy/build/pdf.mjs");
}
