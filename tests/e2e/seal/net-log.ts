import { readFileSync } from "node:fs";

/**
 * What Chromium's own network log says about connections. Playwright's request events are no proof: they miss shared
 * workers, keepalive requests, preconnects, WebTransport and WebRTC, and show requests that a policy blocked.
 */
interface NetLog {
  readonly constants: { readonly logEventTypes: Readonly<Record<string, number>> };
  readonly events: readonly { readonly type: number; readonly params?: Readonly<Record<string, unknown>> }[];
}

// Events that mean a connection, a name look-up or a request was really begun, and the field that says where to.
const WATCHED: Readonly<Record<string, string>> = {
  URL_REQUEST_START_JOB: "url",
  HTTP_STREAM_JOB_CONTROLLER: "url",
  TCP_CONNECT_ATTEMPT: "address",
  UDP_CONNECT: "address",
  HOST_RESOLVER_MANAGER_REQUEST: "host",
};

// Chromium's own errands (sign-in state, updates, its probe whether IPv6 works), which no page causes. The host
// resolver rules of the launch keep even these on the machine.
const BROWSER_OWN = [
  /^https?:\/\/(accounts|clients\d*|www|android\.clients|redirector\.gvt1)\.google\.com/,
  /^https?:\/\/[a-z-]+\.googleapis\.com/,
  /^(https?:\/\/)?~notfound/,
  /^\[2001:4860:4860::8888\]:\d+$/,
  /^(data|blob|chrome|chrome-extension|devtools|about):/,
];

function isOwn(target: string, port: number): boolean {
  const own = [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`];
  const rest = target.replace(/^(https?|wss?):\/\//, "").replace(/^blob:/, "");
  return own.some((address) => rest === address || rest.startsWith(`${address}/`));
}

/** Every target in the log that is neither the page's own origin nor an errand of the browser, sorted. */
export function foreignTargets(file: string, ownPort: number): string[] {
  const log = JSON.parse(readFileSync(file, "utf8")) as NetLog;
  const names = new Map(Object.entries(log.constants.logEventTypes).map(([name, type]) => [type, name]));
  const found = new Set<string>();
  for (const event of log.events) {
    const field = WATCHED[names.get(event.type) ?? ""];
    const target = field === undefined ? undefined : event.params?.[field];
    if (typeof target !== "string" || isOwn(target, ownPort)) continue;
    if (BROWSER_OWN.some((pattern) => pattern.test(target))) continue;
    found.add(target);
  }
  return [...found].sort();
}

/** Chromium arguments under which `foreignTargets` can read the log and no name outside this machine resolves. */
export function netLogArguments(file: string): string[] {
  return [
    `--log-net-log=${file}`,
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
  ];
}
