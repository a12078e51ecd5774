import { DEFAULT_ENCODER } from "../encoders/known-encoders.ts";
import type { EnvironmentFacts } from "./environment.ts";

/** What the browser says about this page at once. */
export function initialFacts(site: string): EnvironmentFacts {
  return {
    page: new URL(site).pathname.endsWith("/connected/") ? "connected" : "sealed",
    seal: "none",
    isolated: crossOriginIsolated,
    offlineReady: false,
    defaultModel: "missing",
  };
}

/** How tightly this page is closed, by the headers it really came with. */
export async function sealOf(site: string): Promise<EnvironmentFacts["seal"]> {
  try {
    const { headers } = await fetch(site, { cache: "no-store" }); // offline the service worker answers a GET
    if (headers.has("connection-allowlist") && keepsAllowlist()) return "browser";
    return headers.has("content-security-policy") ? "policy" : "none";
  } catch {
    return "none"; // offline and not in the cache: nothing can be claimed
  }
}

const ALLOWLIST_SINCE = 152; // Chromium's first version after the trial; other engines ignore the header

/** Whether this browser keeps a Connection-Allowlist: there is nothing to ask it, so by engine and version. */
function keepsAllowlist(): boolean {
  const { userAgentData } = navigator as {
    readonly userAgentData?: {
      readonly brands: readonly { readonly brand: string; readonly version: string }[];
    };
  };
  const chromium = userAgentData?.brands.find(({ brand }) => brand === "Chromium");
  return chromium !== undefined && Number(chromium.version) >= ALLOWLIST_SINCE;
}

export async function defaultModelState(site: string): Promise<EnvironmentFacts["defaultModel"]> {
  const model = new URL(`models/${DEFAULT_ENCODER.id}/onnx/model.onnx`, site);
  try {
    const response = await fetch(model, { method: "HEAD" });
    const isPage = response.headers.get("content-type")?.includes("text/html") ?? false;
    if (response.ok && !isPage) return "ready";
  } catch {
    // Offline: the service worker's cache is asked next.
  }
  return (await caches.match(model, { ignoreVary: true, ignoreSearch: true })) ? "ready" : "missing";
}

/** True once the service worker controls the page: the next visit needs no network. */
export async function offlineReady(): Promise<boolean> {
  if (!("serviceWorker" in navigator)) return false;
  const registration = await navigator.serviceWorker.getRegistration();
  return registration?.active !== undefined && registration.active !== null;
}

const LEAST_DISK_QUOTA = 1e9; // on disk Chromium never names less; a private window's share of memory is smaller

/** Whether what is kept here may go: with the private window, or when the browser wants the room. */
export async function storageWarning(): Promise<"private-window" | "not-persistent" | undefined> {
  const { quota = 0 } = await navigator.storage.estimate();
  if (quota > 0 && quota < LEAST_DISK_QUOTA) return "private-window";
  return (await navigator.storage.persisted()) ? undefined : "not-persistent";
}

/** Calls `seen` for everything this page loads from another origin, past and future. */
export function watchOtherOrigins(seen: () => void): void {
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (new URL(entry.name, location.href).origin !== location.origin) seen();
    }
  });
  observer.observe({ type: "resource", buffered: true });
}
