/** HTML by its tags, Markdown by at least two of its marks or by the file's ending. */
export function detectTextFormat(name: string, text: string): "text" | "markdown" | "html" {
  const start = text.slice(0, 20_000);
  if (
    /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^]{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|body)[\s>]/i.test(start)
  )
    return "html";
  const tags = start.match(/<\/(?:p|div|h[1-6]|li|table|a|span|section|article)>/gi)?.length ?? 0;
  if (tags >= 3 && /\.(?:x?html?)$/i.test(name)) return "html";
  if (/\.(?:md|markdown|mdx)$/i.test(name)) return "markdown";
  const marks = [/^#{1,6}\s+\S/m, /^```/m, /\[[^\]\n]+\]\([^)\s]+\)/, /^\s*[-*]\s+\S/m, /\*\*\S[^*\n]*\*\*/];
  const found = marks.filter((mark) => mark.test(start)).length;
  if (found >= 2) return "markdown";
  return tags >= 6 ? "html" : "text";
}
