// Hash routes, so that any static host, sub-path and offline start works: #/p/<project>/<screen>/<rest…>?key=value; projects of
// the LLM lab: #/lab/<project>/<screen>/<rest…>, and #/lab for all of them
export const SCREENS = ["home", "data", "train", "results", "playground", "models"] as const;
export type ScreenName = (typeof SCREENS)[number];

export interface Route {
  readonly screen: ScreenName;
  readonly projectId: string | null; // null: no project is open (or Home)
  readonly lab: boolean; // the project is one of the lab; without one: the list of them
  readonly rest: readonly string[]; // what follows the screen: a tab, a run id
  readonly query: Readonly<Record<string, string>>;
}

function isScreen(name: string | undefined): name is ScreenName {
  return SCREENS.some((screen) => screen === name);
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a hand-typed "%" is text, not a reason to fail
  }
}

/** `location.hash` → route; anything unknown leads Home. */
export function parseRoute(hash: string): Route {
  const [path = "", search = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const query = Object.fromEntries(new URLSearchParams(search));
  const parts = path.split("/").filter(Boolean).map(decode);
  const lab = parts[0] === "lab";
  const projectId = lab || parts[0] === "p" ? (parts[1] ?? null) : null;
  const [screen, ...rest] = lab || parts[0] === "p" ? parts.slice(2) : parts;
  if (screen === undefined && projectId !== null) return { screen: "data", projectId, lab, rest: [], query };
  if (!isScreen(screen)) return { screen: "home", projectId: null, lab, rest: [], query: {} };
  return { screen, projectId, lab, rest, query };
}

/** The list of the lab's projects. */
export const LAB_HOME = "#/lab";

/** The address of a screen of a lab project: `labHref("train", "l1", ["run", "r1"])` → "#/lab/l1/train/run/r1". */
export function labHref(screen: ScreenName, labId: string, rest: readonly string[] = []): string {
  if (screen === "home") return LAB_HOME;
  return `#/${["lab", labId, screen, ...rest].map(encodeURIComponent).join("/")}`;
}

/** Where a job can be watched. */
export function jobAddress(job: {
  readonly projectId: string;
  readonly runId?: string;
  readonly lab?: true;
}): string {
  const { projectId, runId } = job;
  if (runId === undefined) return href("data", projectId);
  return job.lab ? labHref("train", projectId, ["run", runId]) : href("train", projectId, ["run", runId]);
}

/** The address of a screen: `href("data", "p1", ["chunks"])` → "#/p/p1/data/chunks". */
export function href(
  screen: ScreenName,
  projectId: string | null = null,
  rest: readonly string[] = [],
  query: Readonly<Record<string, string>> = {},
): string {
  if (screen === "home") return "#/";
  const parts = projectId === null ? [screen, ...rest] : ["p", projectId, screen, ...rest];
  const search = new URLSearchParams(query).toString();
  return `#/${parts.map(encodeURIComponent).join("/")}${search === "" ? "" : `?${search}`}`;
}
