import type { Progress } from "../../src/domain/ports.ts";

/**
 * One line of progress on stderr: rewritten in place on a terminal, a new line at most every five seconds elsewhere.
 */
export class ProgressLine {
  readonly #label: string;
  readonly #started = performance.now();
  #printed = -Infinity;

  constructor(label: string) {
    this.#label = label;
  }

  readonly show = ({ done, total, label }: Progress): void => {
    const now = performance.now();
    const terminal = process.stderr.isTTY;
    const last = done >= total;
    if (now - this.#printed < (terminal ? 100 : 5000) && !(terminal && last)) return;
    this.#printed = now;
    const seconds = (now - this.#started) / 1000;
    const left = done > 0 && !last ? `, ${formatSeconds((seconds / done) * (total - done))} left` : "";
    const line = `${this.#label}${label === undefined ? "" : ` (${label})`} ${done}/${total}${left}`;
    process.stderr.write(terminal ? `\r\u001b[K${line}` : `${line}\n`);
  };

  /** Ends the line with what it took. */
  finish(text?: string): void {
    const seconds = (performance.now() - this.#started) / 1000;
    const clear = process.stderr.isTTY ? "\r\u001b[K" : "";
    process.stderr.write(`${clear}${this.#label}: ${text ?? "done"} in ${formatSeconds(seconds)}\n`);
  }
}

function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
