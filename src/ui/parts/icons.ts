// Line icons on a 20 × 20 grid, drawn for this page.
export const ICON_PATHS = {
  home: "M3 9.5 10 3.5l7 6V16a1 1 0 0 1-1 1h-3.5v-5h-5v5H4a1 1 0 0 1-1-1z",
  data: "M5 2.5h6.5L16 7v10.5H5zM11.5 2.5V7H16M7.5 10.5h6M7.5 13.5h6",
  train: "M3 16.5c3 0 3.5-9 7-9s3 5 7 5M3 3v14.5h14",
  results: "M3 17.5h14M5 14.5v-4M10 14.5v-9M15 14.5v-6",
  playground: "M9 3.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM13 13l4 4",
  models: "M10 2.5 17 6v8l-7 3.5L3 14V6zM3 6l7 3.5L17 6M10 9.5v8",
  settings: "M3 6h8M15 6h2M3 14h2M9 14h8M13 4v4M7 12v4",
  close: "M5 5l10 10M15 5 5 15",
  pause: "M7 4.5v11M13 4.5v11",
  play: "M6 4l10 6-10 6z",
  seal: "M10 2.5l6 2.5v4.5c0 4-2.6 6.700-6 8-3.400-1.300-6-4-6-8V5z",
  up: "M10 16V4.500M5 9l5-5 5 5",
  down: "M10 4v11.500M5 11l5 5 5-5",
  same: "M4 10h12",
  file: "M5 2.500h6.500L16 7v10.500H5zM11.500 2.500V7H16",
  plus: "M10 4v12M4 10h12",
  more: "M4.500 10h.01M10 10h.01M15.500 10h.01",
  chip: "M6 6h8v8H6zM8 3v3M12 3v3M8 14v3M12 14v3M3 8h3M3 12h3M14 8h3M14 12h3",
  disk: "M4 5c0-1.100 2.700-2 6-2s6 .9 6 2v10c0 1.100-2.700 2-6 2s-6-.9-6-2zM4 5c0 1.100 2.700 2 6 2s6-.9 6-2M4 10c0 1.100 2.700 2 6 2s6-.9 6-2",
  alert: "M10 3 18 16.500H2zM10 8v4M10 14.200v.1",
  check: "M4 10.500 8.500 15 16 5.500",
} as const;

export type IconName = keyof typeof ICON_PATHS;
