// A proxy on loopback before any OpenAI-compatible endpoint: what comes is sent on as it is, streams included, and of every chat call
// that came to its end one line is told. It answers its own machine only: another host name, or a web page that was not named, is
// turned away, so that no site can use the key of whoever runs it.
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import { RetuneError } from "../../src/engine/errors.ts";
import { answerIn, type Unusable } from "./answer.ts";
import { handlerLine } from "./handler-line.ts";
import { forwarded, headersDown, headersUp, withoutKeys } from "./upstream.ts";

export interface LogProxyOptions {
  readonly upstream: URL;
  readonly key?: string; // sent where an app sends none
  readonly allowedOrigin?: string; // of a web page that may call it
  readonly record: (line: string) => boolean; // of one call, without a line break; false: it could not be kept
}

/** Chat calls by what became of them ("lost": could not be kept), and requests that are no chat ("other"). */
export type LogProxyCounts = Record<"written" | "lost" | "unreadable" | "other" | Unusable, number>;

const MAX_BYTES = 64 * 2 ** 20; // of a request, and of an answer that is recorded

export class LogProxy {
  readonly counts: LogProxyCounts = {
    ...{ written: 0, lost: 0, failed: 0, "not-ended": 0, "cut-off": 0, empty: 0, unreadable: 0, other: 0 },
  };
  private readonly options: LogProxyOptions;
  private readonly server: Server;

  constructor(options: LogProxyOptions) {
    this.options = options;
    this.server = createServer((request, response) => void this.handle(request, response));
  }

  /** Listens on 127.0.0.1 (0: any free port) and answers the port. Rejects with "usage" where it is taken. */
  async listen(port: number): Promise<number> {
    await new Promise<void>((done, failed) => {
      this.server.once("error", (error) =>
        failed(new RetuneError("usage", `--port ${port} cannot be listened on: ${error.message}`)),
      );
      this.server.listen(port, "127.0.0.1", done);
    });
    return (this.server.address() as AddressInfo).port;
  }

  /** Ends; calls that are under way count as not ended. */
  async close(): Promise<void> {
    const closed = new Promise<void>((done) => this.server.close(() => done()));
    this.server.closeAllConnections();
    await closed;
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = this.refusal(request);
    if (refusal !== undefined) return refuse(response, 403, refusal);
    this.allow(request, response);
    if (request.method === "OPTIONS" && request.headers["access-control-request-method"] !== undefined)
      return void response.writeHead(204).end();
    const body = await bodyOf(request);
    if (body === "aborted") return;
    if (body === "too-large")
      return refuse(response, 413, `a request of more than ${MAX_BYTES / 2 ** 20} MB is not sent on`);
    new Exchange(request, response, body, this.options, this.counts).send();
  }

  private refusal({ headers, url = "" }: IncomingMessage): string | undefined {
    const host = (headers.host ?? "").replace(/:\d+$/, "");
    if (!["127.0.0.1", "localhost", "[::1]"].includes(host))
      return `this proxy answers 127.0.0.1 and localhost, not ${JSON.stringify(host)}`;
    if (!url.startsWith("/")) return "this proxy has one endpoint; an address of another is not fetched";
    const { origin } = headers;
    if (origin === undefined || origin === this.options.allowedOrigin) return undefined;
    return `pages of ${origin} may not call this proxy; start it with --allow-origin ${origin}`;
  }

  private allow({ headers }: IncomingMessage, response: ServerResponse): void {
    if (headers.origin === undefined) return;
    response.setHeader("access-control-allow-origin", headers.origin);
    response.setHeader("vary", "Origin");
    response.setHeader("access-control-allow-methods", "GET, POST, DELETE");
    const asked = headers["access-control-request-headers"];
    if (asked !== undefined) response.setHeader("access-control-allow-headers", asked);
    if (headers["access-control-request-private-network"] === "true")
      response.setHeader("access-control-allow-private-network", "true");
  }
}

/** One request and its answer. */
class Exchange {
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;
  private readonly body: Buffer;
  private readonly options: LogProxyOptions;
  private readonly counts: LogProxyCounts;
  private readonly parts: Buffer[] = [];
  private bytes = 0;
  private told = false;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
    options: LogProxyOptions,
    counts: LogProxyCounts,
  ) {
    this.request = request;
    this.response = response;
    this.body = body;
    this.options = options;
    this.counts = counts;
  }

  send(): void {
    const { request, response, body } = this;
    const { upstream, key } = this.options;
    const open = upstream.protocol === "https:" ? httpsRequest : httpRequest;
    const { method = "GET", url = "/", headers } = request;
    const up = open(forwarded(upstream, url), { method, headers: headersUp(headers, body, key) });
    up.on("response", (answer) => this.pass(answer));
    up.on("error", (error) => {
      this.tell(response.headersSent ? "not-ended" : "failed");
      if (response.headersSent) response.destroy();
      else refuse(response, 502, `${upstream.origin} cannot be reached: ${error.message}`);
    });
    response.on("close", () => {
      this.tell("not-ended"); // unless it ended before
      up.destroy();
    });
    up.end(body);
  }

  private pass(answer: IncomingMessage): void {
    const { response } = this;
    response.writeHead(answer.statusCode ?? 502, headersDown(answer.headers));
    response.flushHeaders();
    answer.on("data", (part: Buffer) => {
      this.bytes += part.length;
      if (this.bytes <= MAX_BYTES) this.parts.push(part);
      if (!response.write(part)) {
        answer.pause();
        response.once("drain", () => answer.resume());
      }
    });
    answer.on("end", () => {
      this.conclude(answer);
      response.end();
    });
    answer.on("error", () => {
      this.tell("not-ended");
      response.destroy();
    });
  }

  /** The upstream has said all it had to say. */
  private conclude(answer: IncomingMessage): void {
    if (!this.isChat) return this.tell("other");
    const status = answer.statusCode ?? 0;
    if (status < 200 || status > 299) return this.tell("failed");
    if (this.bytes > MAX_BYTES) return this.tell("unreadable");
    const text = decoded(Buffer.concat(this.parts), answer.headers["content-encoding"]);
    if (text === undefined) return this.tell("unreadable");
    const said = answerIn(text);
    if (typeof said === "string") return this.tell(said);
    const line = handlerLine(this.body.toString("utf8"), said);
    if (line === undefined) return this.tell("unreadable");
    const { record, key } = this.options;
    this.tell(record(withoutKeys(line, this.request.headers, key)) ? "written" : "lost");
  }

  private get isChat(): boolean {
    const path = (this.request.url ?? "").replace(/\?.*$/, "");
    return this.request.method === "POST" && /\/completions\/?$/.test(path);
  }

  /** The first word on a call is the one that counts. */
  private tell(what: keyof LogProxyCounts): void {
    if (!this.told) this.counts[this.isChat ? what : "other"]++;
    this.told = true;
  }
}

function decoded(bytes: Buffer, encoding = "identity"): string | undefined {
  const decode = {
    identity: (as: Buffer) => as,
    gzip: gunzipSync,
    deflate: inflateSync,
    br: brotliDecompressSync,
  }[encoding];
  try {
    return decode?.(bytes).toString("utf8");
  } catch {
    return undefined;
  }
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ error: { message: `retune log-proxy: ${message}`, type: "log_proxy" } }));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer | "aborted" | "too-large"> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of request as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes <= MAX_BYTES) parts.push(part);
    }
  } catch {
    return "aborted";
  }
  return bytes > MAX_BYTES ? "too-large" : Buffer.concat(parts);
}
