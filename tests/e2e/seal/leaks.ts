/**
 * A page that leaks by every way we know, each to its own path of a sink on another port of this machine. It is the
 * test of the detector: served without a policy it must be caught, served with the sealed page's headers nothing may
 * arrive.
 */
export const LEAK_NAMES = [
  "fetch",
  "fetch-no-cors",
  "xhr",
  "websocket",
  "eventsource",
  "beacon",
  "image",
  "image-srcset",
  "stylesheet",
  "css-background",
  "font",
  "script",
  "module-import",
  "iframe",
  "form",
  "object",
  "video",
  "audio",
  "preload",
  "prefetch",
  "preconnect",
  "manifest",
  "worker-fetch",
  "worker-import-scripts",
  "worker-websocket",
  "nested-worker-fetch",
  "blob-worker-fetch",
  "shared-worker-fetch",
  "service-worker-fetch",
  "keepalive",
  "ping",
  "window-open",
  "webtransport",
  "webrtc",
] as const;

/** index.html of the leaking page: no inline script, so that the sealed headers admit the script itself. */
export const LEAK_HTML = `<!doctype html><title>leaks</title><link rel="icon" href="data:,"><body><script src="/leaks.js"></script>`;

const attach = (tag: string, set: string, parent = "body") =>
  `{ const e = document.createElement("${tag}"); ${set}; document.${parent}.append(e); }`;

/** The page's script; \`sink\` is http://127.0.0.1:PORT, \`udp\` the port of a UDP sink. */
export function leakScript(sink: string, udp: number): string {
  const to = (name: string) => JSON.stringify(`${sink}/${name}`);
  const ws = (name: string) => JSON.stringify(`${sink.replace("http", "ws")}/${name}`);
  const vectors: Record<(typeof LEAK_NAMES)[number], string> = {
    fetch: `fetch(${to("fetch")})`,
    "fetch-no-cors": `fetch(${to("fetch-no-cors")}, { mode: "no-cors", method: "POST", body: "x" })`,
    xhr: `{ const x = new XMLHttpRequest(); x.open("GET", ${to("xhr")}); x.send(); }`,
    websocket: `new WebSocket(${ws("websocket")})`,
    eventsource: `new EventSource(${to("eventsource")})`,
    beacon: `navigator.sendBeacon(${to("beacon")}, "x")`,
    image: `new Image().src = ${to("image")}`,
    "image-srcset": attach("img", `e.srcset = ${to("image-srcset")} + " 1x"`),
    stylesheet: attach("link", `e.rel = "stylesheet"; e.href = ${to("stylesheet")}`, "head"),
    "css-background": `document.body.style.backgroundImage = "url(" + ${to("css-background")} + ")"`,
    font: `new FontFace("leak", "url(" + ${to("font")} + ")").load()`,
    script: attach("script", `e.src = ${to("script")}`),
    "module-import": `import(${to("module-import")})`,
    iframe: attach("iframe", `e.src = ${to("iframe")}`),
    form: `{ const i = document.createElement("iframe"); i.name = "leak-form"; document.body.append(i); const f = document.createElement("form"); f.action = ${to("form")}; f.target = "leak-form"; document.body.append(f); f.submit(); }`,
    object: attach("object", `e.data = ${to("object")}`),
    video: attach("video", `e.src = ${to("video")}; e.load()`),
    audio: attach("audio", `e.src = ${to("audio")}; e.load()`),
    preload: attach("link", `e.rel = "preload"; e.as = "fetch"; e.href = ${to("preload")}`, "head"),
    prefetch: attach("link", `e.rel = "prefetch"; e.href = ${to("prefetch")}`, "head"),
    preconnect: attach("link", `e.rel = "preconnect"; e.href = ${to("preconnect")}`, "head"),
    manifest: attach("link", `e.rel = "manifest"; e.href = ${to("manifest")}`, "head"),
    "worker-fetch": `new Worker("/worker.js?fetch")`,
    "worker-import-scripts": `new Worker("/worker.js?import-scripts")`,
    "worker-websocket": `new Worker("/worker.js?websocket")`,
    "nested-worker-fetch": `new Worker("/worker.js?nested")`,
    "blob-worker-fetch": `new Worker(URL.createObjectURL(new Blob(["fetch(" + JSON.stringify(${to("blob-worker-fetch")}) + ")"])))`,
    "shared-worker-fetch": `new SharedWorker("/worker.js?shared")`,
    "service-worker-fetch": `navigator.serviceWorker.register("/worker.js?service")`,
    keepalive: `fetch(${to("keepalive")}, { keepalive: true, mode: "no-cors", method: "POST", body: "x" })`,
    ping: `{ const a = document.createElement("a"); a.href = "#here"; a.ping = ${to("ping")}; document.body.append(a); a.click(); }`,
    "window-open": `open(${to("window-open")}, "_blank")`,
    webtransport: `new WebTransport(${JSON.stringify(`https://127.0.0.1:${udp}/webtransport`)})`,
    webrtc: `{ const r = new RTCPeerConnection({ iceServers: [{ urls: "stun:127.0.0.1:${udp}" }] }); r.createDataChannel("x"); r.createOffer().then((o) => r.setLocalDescription(o)); }`,
  };
  const attempts = LEAK_NAMES.map((name) => `attempt(() => { ${vectors[name]} });`).join("\n");
  return `
const policy = globalThis.trustedTypes?.createPolicy("default", { createScriptURL: (url) => url, createHTML: (html) => html });
const attempt = (leak) => { try { leak(); } catch {} };
addEventListener("unhandledrejection", (event) => event.preventDefault());
${attempts}
void policy;`;
}

/** worker.js of the leaking page: the query says which vector it is. */
export function leakWorkerScript(sink: string): string {
  const to = (name: string) => JSON.stringify(`${sink}/${name}`);
  return `
const kind = self.location.search.slice(1);
globalThis.trustedTypes?.createPolicy("default", { createScriptURL: (url) => url });
const attempts = {
  fetch: () => fetch(${to("worker-fetch")}),
  "import-scripts": () => importScripts(${to("worker-import-scripts")}),
  websocket: () => new WebSocket(${JSON.stringify(`${sink.replace("http", "ws")}/worker-websocket`)}),
  nested: () => new Worker("/worker.js?nested-inner"),
  "nested-inner": () => fetch(${to("nested-worker-fetch")}),
  shared: () => fetch(${to("shared-worker-fetch")}),
  service: () => addEventListener("install", (event) => event.waitUntil(fetch(${to("service-worker-fetch")}).catch(() => 0))),
};
try { Promise.resolve(attempts[kind]?.()).catch(() => 0); } catch {}`;
}
