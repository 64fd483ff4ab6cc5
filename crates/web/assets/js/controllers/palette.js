// Ctrl K: a field that asks /palette?q= while one types. Enter goes to the first answer; arrows
// move through the answers and back to the field.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  connect() {
    const { signal } = (this.listening = new AbortController());
    document.addEventListener("keydown", (event) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      this.open();
    }, { signal });
    document.addEventListener("click", (event) => {
      if (!event.target.closest("[data-palette-open]")) return;
      event.preventDefault();
      this.open();
    }, { signal });
    document.addEventListener("turbo:before-cache", () => this.dialog?.remove(), { signal });
  }

  disconnect() {
    this.listening.abort();
    this.dialog?.remove();
  }

  open() {
    if (document.querySelector("dialog[open]")) return;
    this.dialog?.remove();
    const dialog = (this.dialog = document.createElement("dialog"));
    dialog.className = "palette";
    dialog.setAttribute("aria-label", "Search or go to");
    dialog.innerHTML = `<div class="palette-field"><input class="input" type="search" placeholder="Search or go to" aria-label="Search or go to" autocomplete="off" autofocus></div><turbo-frame id="palette" src="/palette"></turbo-frame>`;
    dialog.onclose = () => dialog.remove();
    dialog.onclick = (event) => (event.target === dialog || event.target.closest("a")) && dialog.close();
    const input = dialog.querySelector("input");
    input.oninput = () => this.ask(input.value);
    dialog.onkeydown = (event) => this.move(event, input);
    document.body.append(dialog);
    dialog.addEventListener("turbo:frame-load", () => this.links[0]?.setAttribute("data-chosen", ""));
    dialog.showModal();
    input.focus();
  }

  ask(words) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.dialog.querySelector("turbo-frame").src = `/palette?q=${encodeURIComponent(words)}`), 120);
  }

  get links() {
    return [...this.dialog.querySelectorAll("turbo-frame a")];
  }

  move(event, input) {
    const links = this.links;
    if (event.key === "Enter" && event.target === input) {
      event.preventDefault();
      links[0]?.click();
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const stops = [input, ...links];
    stops[(stops.indexOf(document.activeElement) + step + stops.length) % stops.length].focus();
  }
}
