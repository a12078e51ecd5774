import { RetuneError } from "../../errors.ts";
import type { MatmulLaunch } from "../../plan.ts";
import type { KernelName } from "./kernel-table.ts";

/** Registers only, rows × columns of a thread; or workgroup memory, rows and columns of a workgroup. */
export const TILES = ["8x8", "4x8", "tiled32", "tiled64"] as const;
export type Tile = (typeof TILES)[number];

/** The tile of each layout. It fixes the order of summation, so a run keeps its choice when it resumes. */
export interface TileChoice {
  readonly nt: Tile;
  readonly nn: Tile;
  readonly tn: Tile;
}

/** For software adapters, without a search: workgroup memory costs them more than it saves. */
export const SOFTWARE_TILES: TileChoice = { nt: "8x8", nn: "8x8", tn: "8x8" };

const PREFIX = "wgsl";
const FEW_WORKGROUPS = 16; // a grid of fewer 64 × 64 blocks is cut into 32 × 32

export function buildOf({ nt, nn, tn }: TileChoice): string {
  return `${PREFIX} nt=${nt} nn=${nn} tn=${tn}`;
}

/** The choice that `buildOf` wrote, as it stands in a run's record. */
export function tilesOf(build: string): TileChoice {
  const [prefix, ...parts] = build.split(" ");
  const choice = Object.fromEntries(parts.map((part) => part.split("=") as [string, string]));
  const known = (tile: string | undefined): tile is Tile => TILES.some((candidate) => candidate === tile);
  const { nt, nn, tn } = choice;
  if (prefix !== PREFIX || !known(nt) || !known(nn) || !known(tn)) {
    const next = `expected "${buildOf(SOFTWARE_TILES)}" with tiles of ${TILES.join(", ")}`;
    throw new RetuneError("unsupported", `kernel build "${build}": ${next}`);
  }
  return { nt, nn, tn };
}

export interface MatmulShape {
  readonly kernel: KernelName;
  readonly constants: Readonly<Record<string, number>>;
  readonly groups: readonly [number, number];
}

/** The kernel of a product, its tile and its grid. */
export function matmulShape(launch: MatmulLaunch, tiles: TileChoice, software: boolean): MatmulShape {
  const { layout, m, n } = launch;
  if (layout === "TT" || !takesVectors(launch)) return tiledShape(m, n, software ? "tiled32" : "tiled64");
  const tile = tiles[LAYOUT_KEYS[layout]];
  if (tile === "tiled32" || tile === "tiled64") return tiledShape(m, n, tile);
  const most = tile === "8x8" ? 8 : 4;
  const rows = layout === "TN" ? (m <= 4 ? 4 : most) : evenRows(m, most);
  const blocks = n <= 4 ? 1 : 2;
  const [width, height] = [8, software ? 4 : 8];
  const groups = [Math.ceil(n / (4 * blocks * width)), Math.ceil(m / (rows * height))] as const;
  return {
    kernel: KERNEL_OF[layout],
    constants: { ROWS: rows, BLOCKS: blocks, WIDTH: width, HEIGHT: height },
    groups,
  };
}

const LAYOUT_KEYS = { NT: "nt", NN: "nn", TN: "tn" } as const;
const KERNEL_OF = { NT: "matmulNt", NN: "matmulNn", TN: "matmulTn" } as const;

/** Rows a thread, at most `most`, such that few are wasted: ten rows are two threads of five, not two of eight. */
function evenRows(m: number, most: number): number {
  return Math.ceil(m / Math.ceil(m / most));
}

function tiledShape(m: number, n: number, tile: Tile): MatmulShape {
  const blocksOf = (side: number) => [Math.ceil(n / side), Math.ceil(m / side)] as const;
  const [across, down] = blocksOf(64);
  const small = tile === "tiled32" || across * down < FEW_WORKGROUPS;
  return {
    kernel: "matmulTiled",
    constants: { SIDE: small ? 8 : 16, DEPTH: 16 },
    groups: blocksOf(small ? 32 : 64),
  };
}

/** Can the register kernels read and write this product four values at a time? Their headers say what they need. */
function takesVectors({ layout, n, k, strideA, strideB, strideOut }: MatmulLaunch): boolean {
  const byFour = (value: number): boolean => value % 4 === 0;
  if (![strideA, strideB, strideOut].every(byFour)) return false;
  return layout === "NT" ? byFour(k) : byFour(n);
}
