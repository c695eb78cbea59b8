/** Where in the app a person is: `#/page/part?key=value`. Works below any path of a proxy. */

export interface Place {
  /** The first part: which page. */
  page: string;
  /** What follows, decoded: ids, for the most part. */
  rest: readonly string[];
  query: URLSearchParams;
}

export function placeOf(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [page = "", ...rest] = path.split("/").filter((part) => part !== "");
  return { page, rest: rest.map(decoded), query: new URLSearchParams(query) };
}

/** The address of a place, for links. */
export function href(page: string, ...rest: readonly string[]): string {
  return `#/${[page, ...rest.map(encodeURIComponent)].join("/")}`;
}

class Router {
  #place = $state.raw<Place>(placeOf(location.hash));

  constructor() {
    addEventListener("hashchange", () => {
      this.#place = placeOf(location.hash);
    });
  }

  get place(): Place {
    return this.#place;
  }

  go(page: string, ...rest: readonly string[]): void {
    location.hash = href(page, ...rest);
  }
}

export const router = new Router();

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
