/** Keeps the screen awake during a run where the browser allows it (background work is slowed down otherwise). */
export class WakeLockState {
  denied: boolean = $state(false);
  #sentinel: WakeLockSentinel | null = null;

  async hold(): Promise<void> {
    if (this.#sentinel || !("wakeLock" in navigator)) return;
    try {
      this.#sentinel = await navigator.wakeLock.request("screen");
      this.denied = false;
    } catch {
      this.denied = true;
    }
  }

  async release(): Promise<void> {
    const sentinel = this.#sentinel;
    this.#sentinel = null;
    await sentinel?.release();
  }
}
