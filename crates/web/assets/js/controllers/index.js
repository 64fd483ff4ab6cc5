// The compact list beside a record: the row of the cursor shows its record, Enter opens its page. Where there is no
// room for the record, a click opens the page as well.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  static targets = ["link"];

  connect() {
    const { signal } = (this.listening = new AbortController());
    this.element.addEventListener("keys:here", (event) => this.here(event.target.querySelector("a")), { signal });
    this.element.addEventListener("click", (event) => this.clicked(event), { signal, capture: true });
    this.element.addEventListener("keydown", (event) => this.pressed(event), { signal });
    const first = this.linkTargets.find((link) => link.href === this.frame?.src) ?? this.linkTargets[0];
    if (first && this.isBeside) this.show(first);
  }

  disconnect() {
    this.listening.abort();
    clearTimeout(this.soon);
  }

  get frame() {
    return document.getElementById("record");
  }

  get isBeside() {
    return this.frame?.offsetParent !== null && this.frame !== null;
  }

  // The cursor may run over many rows: the one where it rests is loaded.
  here(link) {
    clearTimeout(this.soon);
    if (this.isBeside) this.soon = setTimeout(() => this.show(link), 120);
  }

  show(link) {
    this.mark(link);
    if (this.frame.src !== link.href) this.frame.src = link.href;
  }

  mark(link) {
    this.linkTargets.forEach((other) => other.toggleAttribute("aria-current", other === link));
    link.setAttribute("aria-current", "true");
    this.linkTargets.forEach((other) => other.closest("[data-row]").toggleAttribute("data-here", other === link));
  }

  clicked(event) {
    const link = event.target.closest("[data-index-target=link]");
    if (!link) return;
    link.dataset.turboFrame = this.isBeside ? "record" : "_top";
    if (this.isBeside) this.mark(link);
  }

  pressed(event) {
    const link = event.target.closest("[data-index-target=link]");
    if (!link || event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    link.dataset.turboFrame = "_top";
    window.Turbo.visit(link.href);
  }
}
