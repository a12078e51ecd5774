import { mount } from "svelte";
import { createStudio } from "./app/local-studio.ts";
import { installTrustedTypes } from "./app/trusted-types.ts";
import App from "./ui/App.svelte";
import StartFailure from "./ui/StartFailure.svelte";
import "./ui/styles/tokens.css";
import "./ui/styles/base.css";
import "./ui/styles/controls.css";
import "./ui/styles/surfaces.css";

// The connected page is the same program one folder below the root of the site.
const root = location.pathname.replace(/index\.html$/, "").endsWith("/connected/") ? "../" : "./";

installTrustedTypes();
const target = document.querySelector("#app")!;
try {
  mount(App, { target, props: { studio: await createStudio(), root } });
} catch (error) {
  mount(StartFailure, { target, props: { error } });
}
