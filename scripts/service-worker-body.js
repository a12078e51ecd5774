/* global VERSION, SHELL, HEADERS -- written in front of this text by scripts/service-worker.mjs */
// The studio's service worker: the shell from its cache, so that the page opens offline from the second visit on;
// onnxruntime's wasm and models are kept once they were fetched. A new version waits until the page says that no run
// is active ("activate-update"): an update never reloads a run. The connected page is left to the network.
const shellCache = `retune-shell-${VERSION}`;
const keptCache = "retune-kept";
// Servers send "Vary: Origin", which makes module scripts miss the cache unless it is ignored.
const match = { ignoreVary: true, ignoreSearch: true };

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(shellCache).then((cache) => cache.addAll(SHELL)));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(
          names
            .filter((name) => name.startsWith("retune-shell-") && name !== shellCache)
            .map((name) => caches.delete(name)),
        ),
      )
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("message", (event) => {
  if (event.data === "activate-update") self.skipWaiting();
});

/** Adds the sealed page's headers where the host sends none (a plain static host). */
function sealed(response) {
  if (!response || response.type === "opaque" || response.headers.has("Content-Security-Policy"))
    return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

async function fromShell(request) {
  const cache = await caches.open(shellCache);
  const key = request.mode === "navigate" ? new URL("./", self.registration.scope).href : request;
  return (await cache.match(key, match)) ?? fetch(request);
}

async function fromKept(request) {
  const cache = await caches.open(keptCache);
  const kept = await cache.match(request, match);
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok && response.status === 200)
    await cache.put(request, response.clone()).catch(() => undefined);
  return response;
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  const path = url.pathname.slice(new URL(self.registration.scope).pathname.length);
  if (path.startsWith("connected/") || path === "connected") return;
  const answer = /^(ort|models)\//.test(path) ? fromKept(event.request) : fromShell(event.request);
  event.respondWith(answer.then(sealed));
});
