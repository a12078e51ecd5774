/** Calls back when light and dark change, by the system or by the person, until the returned function is called. */
export function watchColours(changed: () => void): () => void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const page = new MutationObserver(changed);
  page.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  system.addEventListener("change", changed);
  return () => {
    page.disconnect();
    system.removeEventListener("change", changed);
  };
}
