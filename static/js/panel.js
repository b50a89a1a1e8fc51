// Opens a row's panel beside the list without a reload. The address is the panel's own; Esc and Back close it,
// and the keyboard goes in and comes back. Where there is no room beside the list, links stay links.
import { recall } from "./remember.js";
import { start } from "./select.js";

const slot = document.querySelector("[data-panel-slot]");
const room = matchMedia("(min-width: 1024px)");
const listTitle = slot?.querySelector(".panel") ? null : document.title;
let opener = null;
let turn = 0;

const panel = () => slot?.querySelector(".panel");

async function open(href, { push, focus }) {
  const mine = ++turn;
  const wasOpen = panel() !== null;
  slot.ariaBusy = "true";
  const answer = await fetch(href, { headers: { Accept: "text/html" }, credentials: "same-origin" }).catch(() => null);
  if (mine !== turn) return;
  const page = answer?.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  const next = page?.querySelector("aside.panel");
  if (mine !== turn) return;
  if (!next) {
    location.assign(href);
    return;
  }
  slot.ariaBusy = "false";
  next.classList.toggle("enter", !wasOpen);
  slot.replaceChildren(document.adoptNode(next));
  if (push) history.pushState({ panel: true }, "", href);
  document.title = page.title;
  mark(href);
  start(slot);
  recall(slot);
  const tab = panel().querySelector(".tabs [aria-current]");
  (focus === "tab" && tab ? tab : panel()).focus({ preventScroll: true });
}

function close({ push }) {
  const href = panel()?.querySelector("[data-panel-close]")?.getAttribute("href");
  turn += 1;
  slot.ariaBusy = "false";
  slot.replaceChildren();
  if (push && href) history.pushState({}, "", href);
  if (listTitle) document.title = listTitle;
  mark(null);
  if (opener && document.contains(opener)) {
    opener.focus({ preventScroll: true });
    opener.closest("tr")?.scrollIntoView({ block: "nearest" });
  }
  else document.querySelector("main").focus({ preventScroll: true });
  opener = null;
}

function mark(href) {
  const path = href && new URL(href, location.href).pathname;
  for (const row of document.querySelectorAll(".list tr[data-row]")) {
    const link = row.querySelector(".row-link");
    const current = path !== null && link !== null && new URL(link.href).pathname === path;
    row.classList.toggle("open", current);
    if (current) link.setAttribute("aria-current", "true");
    else link?.removeAttribute("aria-current");
    // the list beside is narrower now: its row may have moved
    if (current) row.scrollIntoView({ block: "nearest" });
  }
}

const plain = (event) => event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);

document.addEventListener("click", (event) => {
  if (!slot || !room.matches || event.defaultPrevented || !plain(event)) return;
  const shut = event.target.closest?.("[data-panel-close]");
  if (shut && listTitle) {
    event.preventDefault();
    close({ push: true });
    return;
  }
  const link = event.target.closest?.("a[data-panel], .panel .pager a");
  if (!link) return;
  event.preventDefault();
  if (link.closest(".list")) opener = link.closest("tr")?.querySelector(".row-link") ?? link;
  open(link.getAttribute("href"), { push: true, focus: link.closest(".tabs") ? "tab" : "panel" });
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || !panel() || document.querySelector("dialog[open]")) return;
  // a search is left first
  if (event.target.matches?.("[data-search]")) return;
  if (listTitle && room.matches) close({ push: true });
  else panel().querySelector("[data-panel-close]")?.click();
});

addEventListener("popstate", () => {
  if (!slot) return;
  const row = [...document.querySelectorAll(".list a[data-panel]")].some((link) => new URL(link.href).pathname === location.pathname);
  if (row) open(location.pathname + location.search, { push: false, focus: "panel" });
  else if (panel() && listTitle) close({ push: false });
  else location.reload();
});
