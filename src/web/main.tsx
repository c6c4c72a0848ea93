import { render } from "preact";
import { pageStyle } from "../report/html/style.ts";
import { Engine } from "./engine.ts";
import { fromFragment } from "./page-state.ts";
import type { SessionWorker } from "./session-worker.ts";
import { Page } from "./views/page.tsx";

/** Run the state of the address in a worker that has been started, and draw the page. */
export function showPage(session: SessionWorker): void {
  // Before anything is drawn, so that the result is computed meanwhile.
  const engine = new Engine(session);
  const state = fromFragment(location.hash);
  engine.show(state);

  // The style of the reports, which is text; a policy without inline style allows this.
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(pageStyle);
  document.adoptedStyleSheets = [sheet];

  render(<Page engine={engine} first={state} />, document.body);
}
