import { expect, test } from "vitest";
import { detectFormat, readDocument } from "../../../src/domain/text/documents.ts";
import { readHtml } from "../../../src/domain/text/html.ts";
import { inlineText, readMarkdown } from "../../../src/domain/text/markdown.ts";
import { readPlainText } from "../../../src/domain/text/plain.ts";
import { laterRefusal } from "../formats/refusal.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const shown = (blocks: readonly { kind: string; level: number; text: string }[]) =>
  blocks.map(({ kind, level, text }) => `${kind}${level || ""}: ${text}`);

test("HTML gives headings, paragraphs, items, rows and code; scripts, styles, menus and comments are dropped", () => {
  const page = `<!DOCTYPE html><html><head><title>A &amp; B</title><style>p { color: red }</style>
    <script>if (a < b) document.write("<p>no</p>")</script></head>
    <body><!-- <p>hidden</p> --><nav><a href="/">Menu</a></nav><h1>Leave&nbsp;days</h1>
    <p>You get <b>25</b> days<br>a year &mdash; caf&eacute; &#x1F600; 1 < 2.</p>
    <ul><li><p>first</p><li>second</ul>
    <table><tr><th>Grade<th>Days</tr><tr><td>A</td><td>30</td></tr></table>
    <pre>a
  b</pre><svg><title>icon</title><text>no</text></svg><noscript>no</noscript></body></html>`;
  const { title, blocks } = readHtml(page);
  expect(title).toBe("A & B");
  expect(shown(blocks)).toEqual([
    "heading1: Leave days",
    "paragraph: You get 25 days a year — café 😀 1 < 2.",
    "item: first",
    "item: second",
    "item: Grade, Days",
    "item: A, 30",
    "code: a\n  b",
  ]);
});

test("hostile HTML stays text and costs no more than its length", () => {
  const attack = `<img src=x onerror="alert('>')"><svg onload=alert(1)></svg><p title="a > b">&lt;script&gt;alert(1)&lt;/script&gt;</p>`;
  expect(shown(readHtml(attack).blocks)).toEqual(["paragraph: <script>alert(1)</script>"]);
  expect(readHtml("<script>".repeat(50_000)).blocks).toEqual([]);
  expect(shown(readHtml("text <b unclosed").blocks)).toEqual(["paragraph: text"]);
  expect(shown(readHtml("<head><title>t</title><body><p>forgot</p>").blocks)).toEqual(["paragraph: forgot"]);
});

test("H1, H5: of remote images, frames and styles nothing comes out but the text, however deep the tables", () => {
  const page = `<head><link rel="stylesheet" href="https://remote.example/s.css"></head><body>
    <style>@import url(https://remote.example/i.css); p { background: url(https://remote.example/b.png) }</style>
    <p style="background: url(https://remote.example/c.png)">Leave <img src="https://remote.example/p.png" alt="a chart"
      srcset="https://remote.example/2.png 2x">days</p><iframe src="https://remote.example/f.html">frame</iframe>
    <video src="https://remote.example/v.mp4"><p>no video</p></video><object data="https://remote.example/o">no</object>`;
  expect(shown(readHtml(page).blocks)).toEqual(["paragraph: Leave days"]);
  const tables =
    "<table><tr><td>".repeat(10_000) + "deep" + "</td></tr></table>".repeat(10_000) + "<p>after</p>";
  expect(readHtml(tables).blocks.map(({ text }) => text)).toEqual(["deep", "after"]);
});

test("H2: base, meta refresh and links lead nowhere", () => {
  const page = `<base href="https://remote.example/"><meta http-equiv="refresh" content="0;url=https://remote.example/next">
    <body><meta http-equiv="refresh" content="0;url=javascript:alert(1)"><p>See <a href="next.html">the next page</a>.</p>`;
  expect(shown(readHtml(page).blocks)).toEqual(["paragraph: See the next page."]);
});

test("H4: an attribute of a megabyte is passed over, closed or not", () => {
  const long = "x".repeat(1_000_000);
  expect(shown(readHtml(`<p title="${long}">short</p>`).blocks)).toEqual(["paragraph: short"]);
  expect(readHtml(`<p>before</p><p title="${long}`).blocks.map(({ text }) => text)).toEqual(["before"]);
});

test("Markdown gives headings of both kinds, items, rows, code as it stands, and words without marks", () => {
  const text = `---
title: x
---
Title
=====
Some **bold** text with a [link](http://x.y/z "t"), \`code\`, ![picture](a.png) and snake_case_name.
Second line &amp; more.

## Sub *heading* ##
- one
  continued
- [x] two
1. three
> quoted

| A | B |
|---|---|
| 1 | 2 |

\`\`\`sh
# not a heading
rm -rf *
\`\`\`
***
[ref]: http://x.y`;
  expect(shown(readMarkdown(text))).toEqual([
    "heading1: Title",
    "paragraph: Some bold text with a link, code, picture and snake_case_name. Second line & more.",
    "heading2: Sub heading",
    "item: one continued",
    "item: two",
    "item: three",
    "paragraph: quoted",
    "item: A, B",
    "item: 1, 2",
    "code: # not a heading\nrm -rf *",
  ]);
  expect(inlineText("2 * 3 * 4 and \\*stars\\* and __init__ <b>x</b>")).toBe(
    "2 * 3 * 4 and *stars* and init x",
  );
});

test("plain text parts at blank lines; underlined, numbered and capital lines are headings", () => {
  const text =
    "Guide\n=====\nWelcome to\nthe house.\r\n\r\nSAFETY RULES\n\n3.2 Exits\n\nUse the stairs.\n\nNot a heading.";
  expect(shown(readPlainText(text))).toEqual([
    "heading1: Guide",
    "paragraph: Welcome to the house.",
    "heading2: SAFETY RULES",
    "heading2: 3.2 Exits",
    "paragraph: Use the stairs.",
    "paragraph: Not a heading.",
  ]);
});

test("the format is found in the content, the file's ending decides only where that is silent", () => {
  expect(detectFormat("a.txt", "<!DOCTYPE html><p>x")).toBe("html");
  expect(detectFormat("a.txt", "# Title\n\nSee [here](b.md).")).toBe("markdown");
  expect(detectFormat("a.md", "just words")).toBe("markdown");
  expect(detectFormat("a.html", "just words")).toBe("text");
  expect(detectFormat("a.txt", "2 < 3 and a - b")).toBe("text");
});

test("a document carries name, title, headings and text; an override wins", async () => {
  const reading = await readDocument("guide.md", utf8("# Leave\n\nAsk early.\n\n## Sick\n\nCall us."));
  expect(reading).toMatchObject({
    name: "guide.md",
    format: "markdown",
    title: "Leave",
    headings: ["Leave", "Sick"],
  });
  expect(reading.text).toBe("Leave\n\nAsk early.\n\nSick\n\nCall us.");
  expect((await readDocument("guide.md", utf8("# Leave"), { format: "text" })).headings).toEqual([]);
});

test("Office files that are not read are named as such, a page without text is empty", async () => {
  const old = Uint8Array.of(0xd0, 0xcf, 0x11, 0xe0);
  await laterRefusal(() => readDocument("a.doc", old), "E_UNKNOWN_FORMAT", "a.doc", "old Office");
  await laterRefusal(() => readDocument("a.html", utf8("<html><script>x</script></html>")), "E_EMPTY");
});
