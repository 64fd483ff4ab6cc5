// A search or filter form that asks by itself shortly after the last key.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  connect() {
    this.element.setAttribute("data-turbo-action", "replace");
    this.element.oninput = (event) => this.soon(event.target.matches("input[type=search], input[type=text]") ? 250 : 0);
    const field = this.element.querySelector("input[type=search]");
    if (!field || sessionStorage.getItem("filter") !== this.element.action) return;
    sessionStorage.removeItem("filter");
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
  }

  disconnect() {
    clearTimeout(this.timer);
  }

  soon(ms) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.element.contains(document.activeElement)) sessionStorage.setItem("filter", this.element.action);
      this.element.requestSubmit();
    }, ms);
  }
}
