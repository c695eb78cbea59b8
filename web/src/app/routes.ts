/** The pages: how each is loaded, who may see it, and where it stands in the navigation. */

import type { Component } from "svelte";
import type { Words } from "../strings/index.svelte";
import type { IconName } from "../ui/icons";
import { type Action, session } from "./session.svelte";

export interface PageProps {
  /** What follows the page's name in the address. */
  rest: readonly string[];
}

export interface Route {
  load: () => Promise<{ default: Component<PageProps> }>;
  icon: IconName;
  /** Its name in the navigation; null keeps it out. */
  nav: keyof Words["nav"] | null;
  /** On a phone it stands in the account's menu, not in the bar. */
  minor?: boolean;
  /** The right that it is of no use without. */
  needs: Action | "admin";
  /** It needs that right on every stream. */
  everywhere?: boolean;
}

export const ROUTES: Readonly<Record<string, Route>> = {
  "": {
    load: () => import("../pages/streams/Streams.svelte"),
    icon: "grid",
    nav: "streams",
    needs: "view",
  },
  camera: {
    load: () => import("../pages/camera/Camera.svelte"),
    icon: "camera",
    nav: "camera",
    needs: "publish",
  },
  dashboard: {
    load: () => import("../pages/dashboard/Dashboard.svelte"),
    icon: "chart",
    nav: "dashboard",
    needs: "view",
  },
  recordings: {
    load: () => import("../pages/recordings/Recordings.svelte"),
    icon: "film",
    nav: "recordings",
    needs: "view",
  },
  faces: {
    load: () => import("../pages/faces/Faces.svelte"),
    icon: "face",
    nav: "faces",
    minor: true,
    needs: "control",
    everywhere: true,
  },
  api: {
    load: () => import("../pages/api/ApiDocs.svelte"),
    icon: "code",
    nav: "api",
    minor: true,
    needs: "view",
  },
  access: {
    load: () => import("../pages/access/Access.svelte"),
    icon: "key",
    nav: "access",
    minor: true,
    needs: "admin",
  },
  watch: {
    load: () => import("../pages/watch/Watch.svelte"),
    icon: "play",
    nav: null,
    needs: "view",
  },
  edit: {
    load: () => import("../pages/edit/Edit.svelte"),
    icon: "edit",
    nav: null,
    needs: "control",
  },
};

export function visible(route: Route): boolean {
  if (route.needs === "admin") return session.info?.admin ?? false;
  return route.everywhere ? session.mayEverywhere(route.needs) : session.may(route.needs);
}
