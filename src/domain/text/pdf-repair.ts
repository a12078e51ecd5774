const CATALOG = /(?:^|\s)(\d{1,10})\s+(\d{1,5})\s+obj\s*<<(?:(?!endobj)[^]){0,400}?\/Type\s*\/Catalog\b/g;

/**
 * A PDF whose end is cut off, with a trailer that names its catalog (PDF 32000-1 §7.5.5), so that pdf.js can look for
 * the rest by itself; undefined where no catalog stands in the open.
 */
export function withTrailer(bytes: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const text = new TextDecoder("latin1").decode(bytes); // a character for every byte
  const last = [...text.matchAll(CATALOG)].at(-1);
  if (!last) return undefined;
  const trailer = `\nendobj\ntrailer\n<< /Root ${last[1]!} ${last[2]!} R >>\nstartxref\n0\n%%EOF\n`;
  const repaired = new Uint8Array(bytes.length + trailer.length);
  repaired.set(bytes);
  repaired.set(new TextEncoder().encode(trailer), bytes.length);
  return repaired;
}
