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
    around.querySelectorAll("[data-pane-tab]").forEach((other) => (other === tab ? other.setAttribute("aria-current", "true") : other.removeAttribute("aria-current")));
    around.querySelectorAll("[data-pane]").forEach((pane) => pane.toggleAttribute("data-shown", pane.dataset.pane === tab.dataset.paneTab));
  }
}
