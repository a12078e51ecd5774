import { expect, test } from "vitest";
import { href, LAB_HOME, labHref, parseRoute } from "../../src/ui/router.ts";

test("an address leads to the same place and back", () => {
  const address = href("results", "project/ä 1", ["run 2", "queries"], { filter: "won", row: "q&7" });
  expect(parseRoute(address)).toEqual({
    screen: "results",
    projectId: "project/ä 1",
    lab: false,
    rest: ["run 2", "queries"],
    query: { filter: "won", row: "q&7" },
  });
});

test("a screen without a project keeps its name, so that the page can say what is missing", () => {
  expect(parseRoute("#/train")).toEqual({
    screen: "train",
    projectId: null,
    lab: false,
    rest: [],
    query: {},
  });
  expect(href("train")).toBe("#/train");
});

test("the lab and its projects have addresses of their own", () => {
  expect(parseRoute(labHref("train", "l 1", ["run", "r1"]))).toEqual({
    screen: "train",
    projectId: "l 1",
    lab: true,
    rest: ["run", "r1"],
    query: {},
  });
  expect(parseRoute(LAB_HOME)).toMatchObject({ screen: "home", projectId: null, lab: true });
  expect(parseRoute("#/lab/l1").screen).toBe("data");
});

test("a project without a screen opens its data", () => {
  expect(parseRoute("#/p/p1").screen).toBe("data");
});

test.each(["", "#", "#/", "#/nowhere", "#/p/p1/nowhere"])("%j leads Home", (hash) => {
  expect(parseRoute(hash).screen).toBe("home");
});

test("a broken percent escape is taken as text", () => {
  expect(parseRoute("#/p/100%/data").projectId).toBe("100%");
});
