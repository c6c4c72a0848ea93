import { render } from "preact";
import { pageStyle } from "../report/html/style.ts";
import { Page } from "./views/page.tsx";

// The style of the reports, which is text; a policy without inline style allows this.
const sheet = new CSSStyleSheet();
sheet.replaceSync(pageStyle);
document.adoptedStyleSheets = [sheet];

render(<Page />, document.body);
