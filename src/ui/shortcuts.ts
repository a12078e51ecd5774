import { type ScreenName } from "./router.ts";

export type ReviewAction = "accept" | "edit" | "reject" | "undo" | "next" | "previous";

export type Shortcut =
  | { readonly kind: "go"; readonly screen: ScreenName }
  | { readonly kind: "help" }
  | { readonly kind: "pause" }
  | { readonly kind: "start" }
  | { readonly kind: "review"; readonly action: ReviewAction }
  | { readonly kind: "prefix" }; // "g" was pressed, the next letter names a screen

export interface KeyPress {
  readonly key: string;
  readonly control: boolean; // Ctrl or ⌘
  readonly alternate: boolean;
  readonly typing: boolean; // focus is in a text field
  readonly onControl: boolean; // focus is on something that Space would press
}

const SCREEN_KEYS: Readonly<Record<string, ScreenName>> = {
  h: "home",
  d: "data",
  t: "train",
  r: "results",
  p: "playground",
  m: "models",
};

const REVIEW_KEYS: Readonly<Record<string, ReviewAction>> = {
  a: "accept",
  e: "edit",
  x: "reject",
  u: "undo",
  j: "next",
  k: "previous",
};

/**
 * What a key press means, or null. `afterPrefix` is true directly after "g". Single-letter keys can be switched off
 * (WCAG 2.1.4); Ctrl+Enter stays.
 */
export function shortcutOf(press: KeyPress, afterPrefix: boolean, letters: boolean): Shortcut | null {
  if (press.control && press.key === "Enter") return { kind: "start" };
  if (press.control || press.alternate || press.typing || !letters) return null;
  const key = press.key.toLowerCase();
  const screen = SCREEN_KEYS[key];
  if (afterPrefix && screen) return { kind: "go", screen };
  if (key === "g") return { kind: "prefix" };
  if (key === "?") return { kind: "help" };
  if (key === " ") return press.onControl ? null : { kind: "pause" };
  const action = REVIEW_KEYS[key];
  return action ? { kind: "review", action } : null;
}

const TYPING =
  "input:not([type=checkbox],[type=radio],[type=range],[type=button]), textarea, select, [contenteditable]";
const PRESSABLE = "button, a, summary, input, [role=tab], [role=button], [role=option], [role=menuitem]";

/** A DOM event as the fields the decision needs. */
export function keyPressOf(event: KeyboardEvent): KeyPress {
  const target = event.target instanceof Element ? event.target : null;
  return {
    key: event.key,
    control: event.ctrlKey || event.metaKey,
    alternate: event.altKey,
    typing: (target?.closest(TYPING) ?? null) !== null,
    onControl: (target?.closest(PRESSABLE) ?? null) !== null,
  };
}
