export type Theme = "auto" | "light" | "dark";

interface Stored {
  readonly theme: Theme;
  readonly letters: boolean;
  readonly lastProject: string | null;
}

const KEY = "retune.preferences";
const START: Stored = { theme: "auto", letters: true, lastProject: null };

function read(): Stored {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? "null");
    return typeof stored === "object" && stored !== null ? { ...START, ...stored } : START;
  } catch {
    return START; // storage is blocked: the page works, it just forgets
  }
}

/** What a person set about the page itself; kept in localStorage where the browser allows it. */
export class PreferencesState {
  #stored: Stored = $state.raw(read());

  get theme(): Theme {
    return this.#stored.theme;
  }
  set theme(theme: Theme) {
    this.#keep({ theme });
    this.applyTheme();
  }

  /** Whether single letters are shortcuts (WCAG 2.1.4 wants them to be switchable). */
  get letters(): boolean {
    return this.#stored.letters;
  }
  set letters(letters: boolean) {
    this.#keep({ letters });
  }

  get lastProject(): string | null {
    return this.#stored.lastProject;
  }
  set lastProject(lastProject: string | null) {
    if (lastProject !== this.#stored.lastProject) this.#keep({ lastProject });
  }

  applyTheme(): void {
    if (this.theme === "auto") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = this.theme;
  }

  #keep(change: Partial<Stored>): void {
    this.#stored = { ...this.#stored, ...change };
    try {
      localStorage.setItem(KEY, JSON.stringify(this.#stored));
    } catch {
      // blocked storage was already reported by the Studio
    }
  }
}
