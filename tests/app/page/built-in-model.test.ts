import { expect, test } from "vitest";
import {
  builtInState,
  openBuiltIn,
  type LanguageModelFactory,
} from "../../../src/app/page/built-in-model.ts";

function factory(
  state: "unavailable" | "downloadable" | "available",
): LanguageModelFactory & { log: string[] } {
  const log: string[] = [];
  const session = {
    clone: () => {
      log.push("clone");
      return Promise.resolve({ ...session });
    },
    prompt: (text: string) => Promise.resolve(`${text}!`),
    destroy: () => void log.push("destroy"),
  };
  return {
    log,
    availability: () => Promise.resolve(state),
    create: ({ monitor }) => {
      const target = new EventTarget();
      monitor?.(target);
      target.dispatchEvent(Object.assign(new Event("downloadprogress"), { loaded: 0.5 }));
      return Promise.resolve(session);
    },
  };
}

test("the states of the browser's model are told apart", async () => {
  expect(await builtInState(undefined)).toBe("missing");
  expect(await builtInState(factory("unavailable"))).toBe("missing");
  expect(await builtInState(factory("downloadable"))).toBe("downloadable");
  expect(await builtInState(factory("available"))).toBe("ready");
});

test("every prompt is asked of a fresh copy, and the download is told", async () => {
  const browser = factory("downloadable");
  const shares: number[] = [];
  const chat = await openBuiltIn({ onProgress: ({ done }) => void shares.push(done) }, browser);
  expect([await chat.ask("a"), await chat.ask("b")]).toEqual(["a!", "b!"]);
  chat.close();
  expect(browser.log).toEqual(["clone", "destroy", "clone", "destroy", "destroy"]);
  expect(shares).toEqual([0.5]);
});

test("a browser without one says what else there is", async () => {
  await expect(openBuiltIn({}, factory("unavailable"))).rejects.toMatchObject({ code: "model-missing" });
});
