/** Light, dark, or as the system is. */

export type Theme = "auto" | "light" | "dark";

const KEY = "livelens.theme";
const KNOWN: readonly string[] = ["auto", "light", "dark"] satisfies Theme[];

class Look {
  #theme = $state<Theme>("auto");

  get theme(): Theme {
    return this.#theme;
  }

  set theme(theme: Theme) {
    this.#theme = theme;
    document.documentElement.dataset.theme = theme;
    localStorage.setItem(KEY, theme);
  }
}

export const look = new Look();

export function startTheme(): void {
  const kept = localStorage.getItem(KEY);
  if (kept !== null && KNOWN.includes(kept)) look.theme = kept as Theme;
}
