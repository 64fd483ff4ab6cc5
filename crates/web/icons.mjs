// Copies the Lucide icons that src/icons.rs names from node_modules into assets/icons,
// one line each, with the attributes the style sheet expects. Run: npm run icons
import { readFileSync, writeFileSync, readdirSync, rmSync, copyFileSync } from "node:fs";

const here = new URL(".", import.meta.url);
const source = new URL("../../node_modules/lucide-static/", here);
const target = new URL("assets/icons/", here);
const list = readFileSync(new URL("src/icons.rs", here), "utf8");
const names = [...list.match(/icons! \{([^}]*)\}/)[1].matchAll(/"([a-z0-9-]+)"/g)].map((m) => m[1]);

for (const file of readdirSync(target)) {
  if (file.endsWith(".svg")) rmSync(new URL(file, target));
}
for (const name of names) {
  const shape = readFileSync(new URL(`icons/${name}.svg`, source), "utf8")
    .replace(/^[\s\S]*?<svg[^>]*>/, "")
    .replace(/<\/svg>\s*$/, "")
    .replace(/\s*\n\s*/g, "")
    .replace(/ \/>/g, "/>");
  writeFileSync(
    new URL(`${name}.svg`, target),
    `<svg class="icon" width="16" height="16" viewBox="0 0 24 24" fill="none" stroke="currentColor" ` +
      `stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${shape}</svg>`,
  );
}
copyFileSync(new URL("LICENSE", source), new URL("LICENSE", target));
