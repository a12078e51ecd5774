// Serves the built studio on this machine only. `/…` is the sealed page, `/connected/…` the same files with the
// wider policy of the connected page.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize, sep } from "node:path";
import { connectedHeaders, sealedHeaders } from "./headers.mjs";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json; charset=utf-8",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".md": "text/markdown; charset=utf-8",
};

/** The file a request path names below `root`, or undefined; folders answer with their index.html. */
function fileOf(root, path) {
  const file = normalize(join(root, decodeURIComponent(path)));
  if (file !== root && !file.startsWith(root + sep)) return undefined;
  if (!existsSync(file)) return undefined;
  if (!statSync(file).isDirectory()) return file;
  const index = join(file, "index.html");
  return existsSync(index) ? index : undefined;
}

function answer(root, models, request, response) {
  const url = new URL(request.url ?? "/", "http://localhost");
  const connected = url.pathname === "/connected" || url.pathname.startsWith("/connected/");
  const path = connected ? url.pathname.slice("/connected".length) || "/" : url.pathname;
  if (url.pathname === "/connected") {
    response.writeHead(308, { Location: "/connected/" }).end();
    return;
  }
  const headers = connected ? connectedHeaders() : sealedHeaders();
  let file;
  try {
    // Models are served from where they were fetched, so that a build never copies 133 MB.
    file = path.startsWith("/models/") ? fileOf(models, path.slice("/models".length)) : fileOf(root, path);
  } catch {
    file = undefined; // a malformed %-escape
  }
  if (!file || !["GET", "HEAD"].includes(request.method ?? "")) {
    response.writeHead(file ? 405 : 404, { ...headers, "Content-Type": "text/plain; charset=utf-8" });
    response.end(file ? "method not allowed\n" : "not found\n");
    return;
  }
  response.writeHead(200, {
    ...headers,
    "Content-Type": TYPES[extname(file)] ?? "application/octet-stream",
    "Content-Length": statSync(file).size,
    "Cache-Control": /\/assets\//.test(path) ? "public, max-age=31536000, immutable" : "no-cache",
  });
  if (request.method === "HEAD") response.end();
  else createReadStream(file).pipe(response);
}

/**
 * Serves `root` on 127.0.0.1. With `port` 0 the system chooses one; a busy port moves on to the next free one.
 * @param {{ root?: string, models?: string, port?: number }} options
 * @returns {Promise<{ url: string, port: number, close: () => Promise<void> }>}
 */
export function serve({ root = "dist", models = "public/models", port = 0 } = {}) {
  const absolute = normalize(join(process.cwd(), root));
  const modelFolder = normalize(join(process.cwd(), models));
  const server = createServer((request, response) => answer(absolute, modelFolder, request, response));
  return new Promise((resolve, reject) => {
    let attempt = port;
    server.on("error", (error) => {
      if (error.code === "EADDRINUSE" && port !== 0 && attempt < port + 20)
        server.listen(++attempt, "127.0.0.1");
      else reject(error);
    });
    server.listen(attempt, "127.0.0.1", () => {
      const { port: bound } = server.address();
      const close = () =>
        new Promise((done) => {
          server.closeAllConnections();
          server.close(() => done());
        });
      resolve({ url: `http://localhost:${bound}`, port: bound, close });
    });
  });
}
