import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** Where distributions put it; nothing is downloaded. */
const executablePath = "/usr/bin/chromium";

/** @throws Error if there is no Chromium: a test that needs one fails, it is not skipped. */
export async function startChromium(): Promise<Browser> {
  if (!existsSync(executablePath)) throw new Error("these tests need Chromium: apt-get install chromium");
  return await chromium.launch({
    executablePath,
    // Playwright gives every browser a fresh profile.
    args: [
      ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
      ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
    ],
  });
}
