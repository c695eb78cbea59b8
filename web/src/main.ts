/** Mounts the app. */

import "./style.css";
import { mount } from "svelte";
import App from "./app/App.svelte";
import { startTheme } from "./app/theme.svelte";
import { startLanguage } from "./strings/index.svelte";

startTheme();
// The words of another language come in a file of their own: nothing is shown before.
await startLanguage();
mount(App, { target: document.getElementById("app") ?? document.body });
