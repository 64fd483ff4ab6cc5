// A toast leaves after eight seconds, but never while it is hovered or holds the focus; pressed, it leaves at once.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  connect() {
    for (const name of ["mouseenter", "focusin"]) this.element.addEventListener(name, () => this.stay());
    for (const name of ["mouseleave", "focusout"]) this.element.addEventListener(name, () => this.start());
    this.element.addEventListener("click", (event) => event.target.closest("a, button") ?? this.element.remove());
    this.start();
  }

  disconnect() {
    this.stay();
  }

  start() {
    this.stay();
    this.timer = setTimeout(() => this.element.remove(), 8000);
  }

  stay() {
    clearTimeout(this.timer);
  }
}
