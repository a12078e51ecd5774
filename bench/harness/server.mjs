// Serves the bundled pages, the peers' own files and the repository's builds to the measuring browser, on loopback only.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize, sep } from "node:path";

const TYPES = {
  ".html": "text/html",
  ".css": "text/css",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/**
 * @param {Record<string, string>} mounts URL prefix → folder
 * @returns {Promise<{ origin: string, close(): void }>}
 */
export async function serve(mounts, { isolated = false } = {}) {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    const headers = isolated
      ? { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" }
      : {};
    if (path === "/") {
      response.writeHead(200, { ...headers, "content-type": "text/html" });
      return response.end(
        "<!doctype html><meta charset=utf-8><title>bench</title><link rel=icon href=data:,>",
      );
    }
    const file = locate(mounts, path);
    if (file && headers["cross-origin-embedder-policy"])
      headers["cross-origin-resource-policy"] = "same-origin";
    if (!file) return response.writeHead(404, headers).end("not found");
    const type = TYPES[extname(file)] ?? "application/octet-stream";
    response.writeHead(200, { ...headers, "content-type": type, "content-length": statSync(file).size });
    return createReadStream(file).pipe(response);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

function locate(mounts, path) {
  for (const [prefix, folder] of Object.entries(mounts)) {
    if (!path.startsWith(prefix)) continue;
    const file = normalize(join(folder, path.slice(prefix.length)));
    if (file.startsWith(folder + sep) && existsSync(file) && statSync(file).isFile()) return file;
  }
  return undefined;
}
