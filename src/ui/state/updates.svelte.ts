const RELOADED = "retune.reloaded-for-isolation";

/** The service worker: registers it and knows when a newer version waits. Never reloads on its own during a run. */
export class UpdatesState {
  waiting: ServiceWorker | null = $state.raw(null);

  /** `root` is the folder of the site, relative to this page. */
  async register(root: string): Promise<void> {
    if (!("serviceWorker" in navigator) || !import.meta.env.PROD) return;
    const hadController = navigator.serviceWorker.controller !== null;
    try {
      const registration = await navigator.serviceWorker.register(`${root}sw.js`, { scope: root });
      this.#watch(registration);
    } catch {
      return; // no service worker: everything works but offline starts
    }
    if (!hadController) this.#isolateOnce();
  }

  /** Lets the newer version take over and reloads; the caller asks the person first. */
  apply(): void {
    const { waiting } = this;
    if (!waiting) return;
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
    waiting.postMessage("activate-update");
  }

  #watch(registration: ServiceWorkerRegistration): void {
    const note = (): void => {
      if (registration.waiting && navigator.serviceWorker.controller) this.waiting = registration.waiting;
    };
    note();
    registration.addEventListener("updatefound", () => {
      registration.installing?.addEventListener("statechange", note);
    });
  }

  // On a host that sends no headers, the worker's headers isolate the page (wasm threads) after one reload: done
  // once, and only while nobody has touched the page.
  #isolateOnce(): void {
    let touched = false;
    const touch = (): void => {
      touched = true;
    };
    for (const kind of ["pointerdown", "keydown"])
      addEventListener(kind, touch, { once: true, capture: true });
    navigator.serviceWorker.addEventListener("controllerchange", () => {
      if (touched || crossOriginIsolated || sessionStorage.getItem(RELOADED)) return;
      sessionStorage.setItem(RELOADED, "1");
      location.reload();
    });
  }
}
