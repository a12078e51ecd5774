import { draw, type Drawn, type RendererName } from "../../bench/pages/map.ts";

// The scene of the bench, drawn by either renderer, for the test that compares them.

declare global {
  interface Window {
    draw: (renderer: RendererName, points: number) => Promise<Drawn | null>;
  }
}

window.draw = draw;
