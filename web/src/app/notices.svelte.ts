/** Short words that tell how something ended. */

export interface Notice {
  id: number;
  kind: "good" | "bad" | "info";
  words: string;
}

const SHOWN_MS = 6000;
const MOST = 4;

class Notices {
  #all = $state<Notice[]>([]);
  #last = 0;

  get all(): readonly Notice[] {
    return this.#all;
  }

  /** Good news leave by themselves; bad ones stay until they are closed. */
  tell(kind: Notice["kind"], words: string): void {
    if (this.#all.some((each) => each.words === words)) return;
    const id = ++this.#last;
    this.#all = [...this.#all, { id, kind, words }].slice(-MOST);
    if (kind !== "bad") setTimeout(() => this.close(id), SHOWN_MS);
  }

  close(id: number): void {
    this.#all = this.#all.filter((each) => each.id !== id);
  }
}

export const notices = new Notices();
