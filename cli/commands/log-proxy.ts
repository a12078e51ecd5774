import { closeSync, fstatSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { RetuneError } from "../../src/engine/errors.ts";
import type { Command } from "../command.ts";
import { LogProxy, type LogProxyCounts } from "../log-proxy/log-proxy.ts";
import { upstreamOf } from "../log-proxy/upstream.ts";

const DEFAULT_PORT = 8484;

/** `retune log-proxy`: what any app asks a language model and what it answers, written down to learn from. */
export const logProxyCommand: Command = {
  shape: {
    usage: "log-proxy --endpoint URL --out FILE.jsonl",
    summary: "stand between an app and a language model and write their chats down, as rows for sft jobs",
    positionals: { name: "nothing", atLeast: 0, atMost: 0 },
    options: {
      endpoint: { required: true, value: "URL", help: "where calls go on to: https://api.openai.com/v1" },
      out: { required: true, value: "FILE", help: "chat JSON Lines; calls are added to what is there" },
      port: { value: "N", help: `on 127.0.0.1, default ${DEFAULT_PORT}; 0: any that is free` },
      "allow-origin": { value: "ORIGIN", help: "of one web page that may call it: https://my.app" },
    },
    details: [
      "Give your app http://127.0.0.1:8484/v1 as base URL and keep everything else; its key is sent on and written nowhere",
      "(where it sends none, RETUNE_API_KEY is sent). Every call that came to its end is one line, as LlamaIndex's",
      "OpenAIFineTuningHandler writes it, with the text it drops beside a call. Ctrl-C ends it and tells the counts.",
    ].join("\n"),
  },
  async run({ options }) {
    const file = resolve(options["out"]!);
    const upstream = upstreamOf(options["endpoint"]!);
    const port = portOf(options["port"]);
    const allowedOrigin = originOf(options["allow-origin"]);
    const key = process.env["RETUNE_API_KEY"];
    const lines = new LineFile(file);
    const proxy = new LogProxy({
      upstream,
      record: (line) => lines.add(line),
      ...(key ? { key } : {}),
      ...(allowedOrigin === undefined ? {} : { allowedOrigin }),
    });
    const taken = await proxy.listen(port);
    process.stdout.write(
      `http://127.0.0.1:${taken}/v1 → ${upstream.href}, written to ${file}; Ctrl-C ends it\n`,
    );
    await new Promise<void>((done) => {
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => done());
    });
    await proxy.close();
    lines.close();
    process.stdout.write(toldCounts(proxy.counts, file));
    if (lines.failure) throw lines.failure;
  },
};

/** What became of all calls, the handler's own sentence first. */
export function toldCounts(counts: LogProxyCounts, file: string): string {
  const leftOut = (
    [
      ["failed", "failed"],
      ["not-ended", "broken off"],
      ["cut-off", "cut off by a limit or filter"],
      ["empty", "without text or call"],
      ["unreadable", "no chat that could be read"],
      ["lost", "not on disk"],
    ] as const
  ).flatMap(([key, words]) => (counts[key] > 0 ? [`${counts[key]} ${words}`] : []));
  const left = leftOut.length > 0 ? `left out: ${leftOut.join(", ")}\n` : "";
  const other = counts.other > 0 ? `${counts.other} other requests passed through\n` : "";
  return `Wrote ${counts.written} examples to ${file}\n${left}${other}`;
}

/** Lines joined by "\n" without one at the end, each on disk before the app has its whole answer. Readable by its owner only. */
class LineFile {
  failure: RetuneError | undefined;
  private readonly handle: number;
  private readonly file: string;
  private joint: string;

  constructor(file: string) {
    this.file = file;
    try {
      mkdirSync(dirname(file), { recursive: true });
      this.handle = openSync(file, "a+", 0o600);
    } catch (error) {
      throw new RetuneError("usage", `${file} cannot be written: ${(error as Error).message}`, { file });
    }
    const { size } = fstatSync(this.handle);
    const last = Buffer.alloc(1);
    if (size > 0) readSync(this.handle, last, 0, 1, size - 1);
    this.joint = size === 0 || last[0] === 0x0a ? "" : "\n";
  }

  /** A line that cannot be written does not end the app's calls: the failure is told at the end. */
  add(line: string): boolean {
    try {
      writeSync(this.handle, `${this.joint}${line}`);
      this.joint = "\n";
      return true;
    } catch (error) {
      const what = `${this.file} could not be written: ${(error as Error).message}; calls are missing in it`;
      if (!this.failure) process.stderr.write(`${what}\n`);
      this.failure ??= new RetuneError("storage-full", what, { file: this.file });
      return false;
    }
  }

  close(): void {
    closeSync(this.handle);
  }
}

function portOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_PORT;
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new RetuneError("usage", `--port must be a whole number up to 65535, got "${text}"`);
}

function originOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (URL.canParse(text) && /^https?:/.test(text) && new URL(text).origin === text) return text;
  throw new RetuneError("usage", `--allow-origin must be one origin, https://my.app, got "${text}"`);
}
