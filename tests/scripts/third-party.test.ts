import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { thirdPartyText } from "../../scripts/third-party.mjs";

test("every package that the site contains is named with its version and licence", () => {
  const text = thirdPartyText();
  const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const names = Object.keys(dependencies).map((name) => {
    const own = JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8")) as {
      readonly name: string;
      readonly version: string;
      readonly license: string;
    };
    expect(text).toContain(`${own.name} ${own.version}\nLicence: ${own.license}\n`);
    return own.license;
  });
  expect(new Set(names)).toEqual(new Set(["MIT", "Apache-2.0", "BSD-2-Clause", "ISC"]));
  expect(text).toContain("Permission is hereby granted, free of charge");
});
