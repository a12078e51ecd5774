import { packColour, type MapInks } from "./map-scene.ts";

const DOCUMENT_INKS = 6;

/** The map's colours in the theme of an element: custom properties resolved to what the browser paints. */
export function readInks(element: Element): MapInks {
  const probe = document.createElement("span");
  element.append(probe);
  const ink = (name: string): number => {
    probe.style.color = `var(${name})`;
    return packColour(getComputedStyle(probe).color);
  };
  const inks = {
    passage: ink("--map-passage"),
    train: ink("--map-train"),
    test: ink("--accent"),
    won: ink("--accent"),
    lost: ink("--lost"),
    same: ink("--line-strong"),
    documents: Array.from({ length: DOCUMENT_INKS }, (_, index) => ink(`--map-${index + 1}`)),
  };
  probe.remove();
  return inks;
}
