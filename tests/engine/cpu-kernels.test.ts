import { test } from "vitest";
import { BUILDS, openBuild } from "./cpu-builds.ts";
import { KERNEL_SUITE } from "./kernel-suite.ts";
import { LaunchBench } from "./launch-bench.ts";

const TOLERANCE = { absolute: 3e-6, relative: 2e-5 };

for (const build of BUILDS) {
  test.each(KERNEL_SUITE)(`%s equal their twins on ${build}`, async (_name, cases) => {
    const backend = await openBuild(build);
    const bench = new LaunchBench();
    cases(bench);
    await bench.expectTwins(backend, TOLERANCE);
    backend.dispose();
  });
}
