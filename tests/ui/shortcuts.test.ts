import { expect, test } from "vitest";
import { shortcutOf, type KeyPress } from "../../src/ui/shortcuts.ts";

const press = (key: string, more: Partial<KeyPress> = {}): KeyPress => ({
  key,
  control: false,
  alternate: false,
  typing: false,
  onControl: false,
  ...more,
});

test("g and then a letter names a screen", () => {
  expect(shortcutOf(press("g"), false, true)).toEqual({ kind: "prefix" });
  expect(shortcutOf(press("r"), true, true)).toEqual({ kind: "go", screen: "results" });
  expect(shortcutOf(press("p"), true, true)).toEqual({ kind: "go", screen: "playground" });
});

test("review keys mean what the buttons say", () => {
  const keys = ["a", "e", "x", "u", "j", "k"].map((key) => shortcutOf(press(key), false, true));
  expect(keys.map((shortcut) => (shortcut?.kind === "review" ? shortcut.action : null))).toEqual([
    "accept",
    "edit",
    "reject",
    "undo",
    "next",
    "previous",
  ]);
});

test("nothing is a shortcut while a person types, but Ctrl+Enter", () => {
  expect(shortcutOf(press("a", { typing: true }), false, true)).toBeNull();
  expect(shortcutOf(press("?", { typing: true }), false, true)).toBeNull();
  expect(shortcutOf(press("Enter", { typing: true, control: true }), false, true)).toEqual({ kind: "start" });
});

test("Space presses the control that has the focus and pauses everywhere else", () => {
  expect(shortcutOf(press(" ", { onControl: true }), false, true)).toBeNull();
  expect(shortcutOf(press(" "), false, true)).toEqual({ kind: "pause" });
});

test("single letters can be switched off", () => {
  expect(["g", "a", "?", " "].map((key) => shortcutOf(press(key), false, false))).toEqual([
    null,
    null,
    null,
    null,
  ]);
  expect(shortcutOf(press("Enter", { control: true }), false, false)).toEqual({ kind: "start" });
});

test("the browser's own combinations stay the browser's", () => {
  expect(shortcutOf(press("r", { control: true }), false, true)).toBeNull();
  expect(shortcutOf(press("d", { alternate: true }), true, true)).toBeNull();
});
