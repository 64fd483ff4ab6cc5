// Headless Chromium for the browser tests: `await inBrowser(async (page, { baseUrl }) => { … })`.
// A rejected promise or an error on the page ends the script with 1 and leaves a picture.

import { mkdirSync } from "node:fs";
import { basename } from "node:path";
import { chromium } from "playwright-core";

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The running Relance this script is for. */
export const baseUrl = process.env.BASE_URL;

/** Runs `steps` on a page of a fresh profile; errors the page itself throws fail it. */
export async function inBrowser(steps, options = {}) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: flags,
  });
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", ...options });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(`the page threw: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(`the page's console: ${message.text()}`);
  });
  try {
    await steps(page, { browser, context, errors, baseUrl });
    if (errors.length > 0) throw new Error(errors.join("\n"));
  } catch (error) {
    const folder = process.env.SCREENSHOTS ?? "screenshots/failed";
    mkdirSync(folder, { recursive: true });
    const picture = `${folder}/${basename(process.argv[1], ".mjs")}.png`;
    await page.screenshot({ path: picture, fullPage: true }).catch(() => {});
    console.error(`at ${page.url()} (picture: ${picture})`);
    throw error;
  } finally {
    await browser.close();
  }
}
