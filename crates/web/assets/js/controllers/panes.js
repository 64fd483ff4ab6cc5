// On a narrow screen the columns of a page are tabs; this shows the chosen one.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  connect() {
    this.chosen = (event) => this.choose(event);
    document.addEventListener("click", this.chosen);
  }

  disconnect() {
    document.removeEventListener("click", this.chosen);
  }

  choose(event) {
    const tab = event.target.closest("[data-pane-tab]");
    if (!tab) return;
    event.preventDefault();
    const around = tab.closest("[data-pane-shown]");
    const name = tab.dataset.paneTab;
    for (const other of around.querySelectorAll(".pane-tabs > a")) {
      if (other.dataset.paneTab !== name) other.removeAttribute("aria-current");
      else other.setAttribute("aria-current", "true");
      if (other.dataset.paneTab === name && other !== tab) other.focus();
    }
    around.querySelectorAll("[data-pane]").forEach((pane) => pane.toggleAttribute("data-shown", pane.dataset.pane === name));
  }
}
