import type { JobView } from "../../app/studio.ts";
import { bytes, duration, percent, plural } from "../format.ts";
import type { Route, ScreenName } from "../router.ts";
import { common } from "./common.ts";

export const SCREEN_NAMES: Readonly<Record<ScreenName, string>> = {
  home: "Home",
  data: "Data",
  train: "Train",
  results: "Results",
  playground: "Playground",
  models: "Models",
};

const JOB_KINDS: Readonly<Record<JobView["kind"], string>> = {
  import: "Import",
  generate: "Writing questions",
  distil: "Asking the teacher",
  check: "Checking the data",
  mine: "Mining negatives",
  embed: "Embedding",
  train: "Training",
  judge: "Judging",
  triage: "Trying what is there",
  advise: "Working out advice",
  map: "Drawing the map",
  export: "Export",
};

const JOB_STATES: Readonly<Record<JobView["state"], string>> = {
  running: "running",
  paused: "paused",
  failed: "failed",
  finished: "finished",
  cancelled: "cancelled",
};

export const shell = {
  pageTitle: ({ screen, lab }: Pick<Route, "screen" | "lab">, project: string | null): string => {
    const home = lab ? "Language models" : SCREEN_NAMES.home;
    const place = screen === "home" ? home : SCREEN_NAMES[screen];
    const whose = project !== null && screen !== "home" ? `: ${project}` : "";
    return `${place}${whose} · ${common.appName}`;
  },
  skip: "Skip to content",
  screens: "Screens",
  status: "Status",
  settings: "Settings",
  keyboard: "Keyboard",
  requestsSent: (count: number): string => `${plural(count, "request", "requests")} sent`,
  requestsHint: "what left this device",
  deviceCpu: "CPU mode",
  deviceHint: "change the device",
  storageUsed: (used: number): string => `${bytes(used)} stored`,
  storageUnknown: "storage …",
  jobLabel: (job: JobView): string => job.label || JOB_KINDS[job.kind],
  jobProgress: (share: number, etaSeconds: number | null): string =>
    etaSeconds === null ? percent(share) : `${percent(share)}${shell.jobLeft(etaSeconds)}`,
  jobLeft: (etaSeconds: number): string => `, about ${duration(etaSeconds)} left`,
  jobAnnounce: (job: JobView, tenth: number): string =>
    job.state === "running"
      ? `${shell.jobLabel(job)}: ${tenth * 10} percent`
      : `${shell.jobLabel(job)} ${JOB_STATES[job.state]}`,
  pause: "Pause",
  resume: "Resume",
  cancelJob: "Cancel",
  watchRun: "Show the run",
  updateReady: "A newer version of Retune is ready.",
  updateNow: "Update now",
  updateLater: "It will be offered again when the run has ended.",

  networkTitle: "What left this device",
  networkCount: (count: number): string =>
    count === 0
      ? "Nothing. Since this page was opened it has sent 0 requests to anything but its own address."
      : `This page has sent ${plural(count, "request", "requests")} to addresses you named, since it was opened.`,
  sealTitles: {
    browser: "Sealed by the browser",
    policy: "Sealed by policy",
    none: "Not sealed",
  },
  sealTexts: {
    browser:
      "The site answered with a Connection-Allowlist header. The browser itself refuses every connection but to this origin, workers included.",
    policy:
      "The site answered with a Content-Security-Policy that allows connections to this origin only. The browser blocks fetches, sockets and workers that try otherwise.",
    none: "This page was not sealed by a header. Retune sends nothing by itself, but the browser would not stop a connection.",
  },
  pageTexts: {
    sealed:
      "This is the sealed page. Question writing by an endpoint and model downloads live on a second page, the connected one, which you open on purpose.",
    connected:
      "This is the connected page. It can reach a model hub or an endpoint, but only after you name it and press the button that says so.",
  },
  openConnected: "Open the connected page",
  openSealed: "Back to the sealed page",
  offlineReady: "Ready to work offline: the program is stored in this browser.",
  offlineNotReady: "Offline start: from the second visit on.",
  threads: (threads: number, isolated: boolean): string =>
    isolated
      ? `${plural(threads, "thread", "threads")} for WebAssembly`
      : "One thread: this host does not isolate the page",

  helpTitle: "Keyboard",
  helpRows: [
    ["g then h, d, t, r, p, m", "Go to Home, Data, Train, Results, Playground, Models"],
    ["Space", "Pause or resume the running job"],
    ["Ctrl + Enter", "Start training (on Train)"],
    ["J / K", "Next / previous question (Data, Questions)"],
    ["A / X", "Accept / reject the question"],
    ["E", "Edit the question"],
    ["U", "Undo the last decision"],
    ["?", "This help"],
  ] as const,
  helpOff: "Single-letter keys are switched off in Settings.",
  helpKeys: "Keys",
  helpMeaning: "What they do",

  storageWarnings: {
    "private-window": "This is a private window: the browser will forget everything when it closes.",
    lost: "The browser has emptied this site's storage since the last visit. Restore a project from its .zip.",
    blocked: "The browser blocks storage for this site. Work is kept only until the page closes.",
    "not-persistent":
      "The browser may clear this storage when space runs low. Settings can ask it to keep it.",
  },
} as const;
