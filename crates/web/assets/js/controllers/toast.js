// A toast leaves after eight seconds, but never while it is hovered or holds the focus.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  connect() {
    this.element.onmouseenter = this.element.onfocusin = () => this.stay();
    this.element.onmouseleave = this.element.onfocusout = () => this.start();
    this.element.addEventListener("focusin", () => this.stay());
    this.element.addEventListener("focusout", () => this.start());
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
