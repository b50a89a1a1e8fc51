// Ctrl+K: a field over the page that finds everything. The results are the server's own page for them, of which only
// the list is taken over; arrows move through it while the cursor stays in the field. Without this, the same field in
// the top bar leads to that page.
const dialog = document.querySelector("[data-palette]");
const field = dialog?.querySelector("[data-palette-field]");
const list = dialog?.querySelector("[data-palette-results]");
const status = dialog?.querySelector("[data-palette-status]");
const PAUSE = 150;
let turn = 0;
let timer = 0;

const links = () => [...list.querySelectorAll(".found-link")];
const current = () => list.querySelector(".found-link.at");

function mark(link) {
  for (const other of links()) {
    other.classList.toggle("at", other === link);
    other.setAttribute("aria-selected", String(other === link));
  }
  if (link) {
    field.setAttribute("aria-activedescendant", link.id);
    link.scrollIntoView({ block: "nearest" });
  } else {
    field.removeAttribute("aria-activedescendant");
  }
}

async function ask() {
  const mine = ++turn;
  const answer = await fetch(`/find?${new URLSearchParams({ q: field.value })}`, { headers: { Accept: "text/html" }, credentials: "same-origin" }).catch(() => null);
  if (mine !== turn) return;
  if (!answer?.ok || answer.redirected) {
    list.replaceChildren();
    status.textContent = "The search can’t be reached. Try again, or reload the page.";
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (mine !== turn) return;
  list.replaceChildren(...document.adoptNode(page.getElementById("find-results")).childNodes);
  // Parts of a list box: a group for each kind, an option for each thing.
  list.querySelectorAll("section").forEach((section) => section.setAttribute("role", "group"));
  list.querySelectorAll("section").forEach((section) => section.setAttribute("aria-labelledby", section.querySelector("h2").id));
  list.querySelectorAll("ul").forEach((part) => part.removeAttribute("aria-labelledby"));
  list.querySelectorAll("h2, ul, li").forEach((part) => part.setAttribute("role", "presentation"));
  links().forEach((link, at) => {
    link.id = `palette-${at}`;
    link.tabIndex = -1;
    link.setAttribute("role", "option");
  });
  const count = links().length;
  status.textContent = count === 0 ? (field.value.trim() ? "Nothing found." : "") : `${count} ${count === 1 ? "thing" : "things"} found.`;
  mark(links()[0] ?? null);
}

function open() {
  if (!dialog || dialog.open || document.querySelector("dialog[open]")) return;
  field.value = "";
  list.replaceChildren();
  status.textContent = "";
  dialog.showModal();
}

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || !dialog) return;
  event.preventDefault();
  open();
});

document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-palette-open]") || !dialog) return;
  event.preventDefault();
  open();
});

field?.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(ask, PAUSE);
});

field?.addEventListener("keydown", (event) => {
  const all = links();
  const at = all.indexOf(current());
  const moves = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 };
  if (event.key === "Escape") {
    // a search field keeps the first Esc to itself where something was typed
    event.preventDefault();
    dialog.close();
  } else if (event.key === "Enter") {
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) current() && window.open(current().href, "_blank", "noopener");
    else current()?.click();
  } else if (event.key in moves && all.length > 0 && !(field.value && (event.key === "Home" || event.key === "End"))) {
    event.preventDefault();
    mark(all[(moves[event.key] + all.length) % all.length]);
  }
});
