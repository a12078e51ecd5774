#!/usr/bin/env node
// `npm run -s parity -- DIR`: replays recorded training runs on both backends and prints the largest differences.
import { launch } from "./launch.mjs";

await launch({ entry: "cli/parity.ts", argv: process.argv.slice(2), gpu: true });
