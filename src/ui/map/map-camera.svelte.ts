import type { MapView } from "../../app/studio-map.ts";
import { wholeMap, zoomed, type Camera } from "./scene.ts";

const STEP = 40; // CSS pixels an arrow key moves the map

/** What part of a map is seen, moved by pointer, wheel and keys. Until somebody moves it, it sees everything. */
export class MapCamera {
  readonly #view: () => MapView;
  width = $state(600);
  height = $state(420);
  #moved: Camera | null = $state.raw(null);
  readonly viewport = $derived({ width: this.width, height: this.height, ratio: devicePixelRatio });
  readonly #whole = $derived.by(() => wholeMap(this.#view(), this.viewport));
  readonly seen = $derived(this.#moved ?? this.#whole);

  constructor(view: () => MapView) {
    this.#view = view;
  }

  zoom(factor: number, around: readonly [number, number] = [this.width / 2, this.height / 2]): void {
    const scale = Math.min(
      Math.max(this.seen.scale * factor, this.#whole.scale / 2),
      this.#whole.scale * 400,
    );
    this.#moved = zoomed(this.seen, scale / this.seen.scale, around, this.viewport);
  }

  pan(dx: number, dy: number): void {
    this.#moved = {
      ...this.seen,
      x: this.seen.x - dx / this.seen.scale,
      y: this.seen.y + dy / this.seen.scale,
    };
  }

  seeAll(): void {
    this.#moved = null;
  }

  /** Moves by a key; answers whether the key was one of its own. */
  key(name: string): boolean {
    const moves: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => this.pan(STEP, 0),
      ArrowRight: () => this.pan(-STEP, 0),
      ArrowUp: () => this.pan(0, STEP),
      ArrowDown: () => this.pan(0, -STEP),
      "+": () => this.zoom(1.4),
      "=": () => this.zoom(1.4),
      "-": () => this.zoom(1 / 1.4),
      "0": () => this.seeAll(),
    };
    moves[name]?.();
    return name in moves;
  }
}
