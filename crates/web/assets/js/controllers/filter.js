// A search or filter form that asks by itself shortly after the last key. The answer is morphed
// into the page; the field is kept as it is, so that nothing typed meanwhile is lost.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  // Only these fields ask by themselves; without it all do.
  static values = { only: String };

  connect() {
    // In a dialog only its frame changes; on a page the address does too, so that it can be shared.
    if (!this.element.closest("turbo-frame")) this.element.dataset.turboAction = "replace";
    this.element.oninput = (event) => (!this.onlyValue || event.target.matches(this.onlyValue)) && this.soon(event.target.matches("input[type=search], input[type=text]") ? 250 : 0);
    const field = this.element.querySelector("input[type=search]");
    if (!field) return;
    field.addEventListener("turbo:before-morph-element", (event) => event.preventDefault());
    field.setSelectionRange(field.value.length, field.value.length);
  }

  disconnect() {
    clearTimeout(this.timer);
  }

  soon(ms) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.element.requestSubmit(), ms);
  }
}
