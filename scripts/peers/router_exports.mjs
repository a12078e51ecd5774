// `node scripts/peers/router_exports.mjs FOLDER`: writes the folders that check_router.py FOLDER loads.
import { launch } from "../../cli/launch.mjs";

await launch({ entry: "tests/peers/router-exports.ts", argv: process.argv.slice(2), gpu: false });
