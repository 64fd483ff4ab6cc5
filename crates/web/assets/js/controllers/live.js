// Draws the page anew every so often while something on it runs by itself; waits while someone types or a dialog is open.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  static values = { every: { type: Number, default: 2000 } };

  connect() {
    this.timer = setInterval(() => this.refresh(), this.everyValue);
  }

  disconnect() {
    clearInterval(this.timer);
  }

  refresh() {
    const typing = document.activeElement?.matches("input, textarea, select, [contenteditable]");
    if (document.hidden || typing || document.querySelector("dialog[open], input:checked[data-selection-target]")) return;
    window.Turbo.session.refresh(location.href);
  }
}
