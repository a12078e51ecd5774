#!/usr/bin/env node
// `npm run -s retune -- COMMAND …`: the program without a page.
import { launch } from "./launch.mjs";

const argv = process.argv.slice(2);
await launch({ entry: "cli/main.ts", argv, gpu: ["run", "evaluate"].includes(argv[0] ?? "") });
