// A field that finds a person while one types. Arrows choose, Enter takes, Escape brings back who was chosen. The id goes
// into a hidden field, whose change asks for the preview anew.
export function search(box, { signal }) {
  const [person, words, list, said] = ["[name=as]", "[name=as_q]", "[role=listbox]", "[role=status]"].map((part) => box.querySelector(part));
  let name = words.value;
  let chosen = 0;
  let timer;
  let asking;

  const isOpen = () => list.matches(":popover-open");
  const options = () => [...list.querySelectorAll("[role=option]")];

  // Not written into the page: without this script the field is an ordinary one.
  const tell = () => {
    const names = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": isOpen(), "aria-controls": list.id };
    for (const [key, value] of Object.entries(names)) words.setAttribute(key, value);
  };

  const choose = (index) => {
    chosen = index;
    options().forEach((option, at) => option.setAttribute("aria-selected", at === index));
    const option = options()[index];
    option?.scrollIntoView({ block: "nearest" });
    if (option) words.setAttribute("aria-activedescendant", option.id);
    else words.removeAttribute("aria-activedescendant");
  };

  const restore = () => {
    clearTimeout(timer);
    asking?.abort();
    words.value = name;
    if (isOpen()) list.hidePopover();
    words.removeAttribute("aria-activedescendant");
    tell();
  };

  const show = (found) => {
    list.replaceChildren(...found.children);
    said.textContent = options().length === 0 ? list.textContent : `${options().length} found`;
    if (!isOpen()) list.showPopover();
    const { left, bottom, width } = words.getBoundingClientRect();
    Object.assign(list.style, { left: `${left}px`, top: `${bottom + 4}px`, width: `${width}px` });
    tell();
    choose(0);
  };

  const ask = async (looked) => {
    clearTimeout(timer);
    asking?.abort();
    asking = new AbortController();
    try {
      const answer = await fetch(`${box.dataset.url}?q=${encodeURIComponent(looked)}`, { signal: asking.signal, headers: { "Turbo-Frame": "preview-people" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (document.activeElement === words) show(page.getElementById("preview-people"));
    } catch (error) {
      if (error.name !== "AbortError") console.warn("The people could not be fetched.", error);
    }
  };

  const take = (option) => {
    if (!option) return;
    const isOther = person.value !== option.dataset.person;
    name = option.dataset.name;
    person.value = option.dataset.person;
    restore();
    if (isOther) person.dispatchEvent(new Event("change", { bubbles: true }));
  };

  const press = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const { length } = options();
    if (step && isOpen() && length) choose((chosen + step + length) % length);
    else if (step) ask("");
    else if (event.key === "Enter" && isOpen()) take(options()[chosen]);
    else if (event.key === "Enter") ask(words.value);
    else if (event.key === "Escape" && isOpen()) {
      event.stopPropagation();
      restore();
      words.select();
    } else return;
    event.preventDefault();
  };

  tell();
  words.addEventListener("focus", () => (tell(), words.select()), { signal });
  words.addEventListener("click", () => isOpen() || ask(""), { signal });
  words.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => ask(words.value), 150);
  }, { signal });
  words.addEventListener("keydown", press, { signal });
  words.addEventListener("change", (event) => event.stopImmediatePropagation(), { signal, capture: true });
  words.addEventListener("blur", restore, { signal });
  list.addEventListener("mousedown", (event) => {
    event.preventDefault();
    take(event.target.closest("[data-person]"));
  }, { signal });
}
