import { mount } from "svelte";
import { installTrustedTypes } from "../../src/app/trusted-types.ts";
import App from "../../src/ui/App.svelte";
import "../../src/ui/styles/tokens.css";
import "../../src/ui/styles/base.css";
import "../../src/ui/styles/controls.css";
import "../../src/ui/styles/surfaces.css";
import { FakeStudio, type Scenario } from "./fake-studio.ts";

// The face alone over made-up data: preview.html?scenario=failed#/p/p1/train
installTrustedTypes();
const scenario = (new URLSearchParams(location.search).get("scenario") ?? "better") as Scenario;
mount(App, {
  target: document.querySelector("#app")!,
  props: { studio: new FakeStudio(scenario), root: "./" },
});
