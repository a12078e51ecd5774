import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";

const SWIFTSHADER = [
  "/usr/lib/chromium/vk_swiftshader_icd.json",
  "/usr/lib/chromium-browser/vk_swiftshader_icd.json",
  "/opt/google/chrome/vk_swiftshader_icd.json",
];

/** True where the system has a Vulkan driver of its own (a real GPU's), which Dawn finds by itself. */
function hasSystemDriver() {
  const folders = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"];
  return folders.some(
    (folder) =>
      existsSync(folder) && readdirSync(folder).some((name) => !/lvp|swiftshader|virtio/.test(name)),
  );
}

/**
 * The variables Dawn needs on this machine; empty when it needs none. RETUNE_GPU=software asks for SwiftShader
 * even beside a real driver.
 * @returns {Record<string, string>}
 */
export function gpuEnvironment() {
  if (process.env.VK_ICD_FILENAMES) return {};
  if (process.env.RETUNE_GPU !== "software" && existsSync("/dev/dri") && hasSystemDriver()) return {};
  const driver = SWIFTSHADER.find((path) => existsSync(path));
  if (!driver) return {};
  const library = [dirname(driver), process.env.LD_LIBRARY_PATH].filter(Boolean).join(":");
  return { VK_ICD_FILENAMES: driver, LD_LIBRARY_PATH: library };
}

/** Where Chromium is, or undefined. @returns {string | undefined} */
export function chromiumPath() {
  const candidates = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"];
  for (const folder of (process.env.PATH ?? "").split(":")) {
    candidates.push(join(folder, "chromium"), join(folder, "google-chrome"));
  }
  return candidates.find((path) => path && existsSync(path));
}
