// Single keys: / j k x Enter c r ? — never inside a field, never with a modifier, and not when switched off.
import { lasting } from "./store.js";

const help = document.querySelector("[data-help-dialog]");
const on = () => lasting.get("shortcuts") !== "off";
const rows = () => {
  const open = document.querySelector(".panel [data-row]") && document.activeElement?.closest?.(".panel");
  return [...(open ?? document).querySelectorAll("[data-row]")].filter((row) => row.offsetParent !== null);
};
const current = () => document.querySelector("[data-row].at") ?? document.activeElement?.closest?.("[data-row]");

function move(step) {
  const all = rows();
  if (all.length === 0) return;
  const at = all.indexOf(current());
  const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1)];
  document.querySelectorAll("[data-row].at").forEach((row) => row.classList.remove("at"));
  next.classList.add("at");
  let target = next.querySelector(".row-link") ?? next.querySelector("a, button, summary, input:not([type=hidden])");
  if (!target) {
    // A row of words alone takes the focus itself, so that it leaves what had it before.
    next.tabIndex = -1;
    target = next;
  }
  target.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

const actions = {
  "/": () => document.querySelector("[data-search]")?.focus(),
  j: () => move(1),
  k: () => move(-1),
  x: () => current()?.querySelector("[data-select-row]")?.click(),
  c: () => current()?.querySelector("[data-copy]")?.click(),
  r: () => current()?.querySelector("[data-request]")?.click(),
  "?": () => help?.showModal(),
};

function typing(target) {
  if (target.isContentEditable || target.closest?.("select, textarea, dialog")) return true;
  const input = target.closest?.("input");
  return input !== null && input !== undefined && !["checkbox", "radio", "button", "submit"].includes(input.type);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event.target)) return;
  const action = Object.hasOwn(actions, event.key) ? actions[event.key] : null;
  if (!action || !on()) return;
  event.preventDefault();
  action();
});

// Esc leaves a search that is empty, so that the single keys work again; one that isn't, the browser empties first. What
// was pasted into a field of several lines it leaves there.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || !event.target.matches?.("[data-search]")) return;
  if (event.target.value === "" || event.target.matches("textarea")) event.target.blur();
});

// Enter on a row opens it even when its box has the focus.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !on() || !event.target.matches?.("[data-select-row]")) return;
  event.preventDefault();
  event.target.closest("[data-row]")?.querySelector(".row-link")?.click();
});

document.addEventListener("focusin", (event) => {
  const row = event.target.closest?.("[data-row]");
  for (const other of document.querySelectorAll("[data-row].at")) {
    if (other !== row) other.classList.remove("at");
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-help]")) help?.showModal();
});

function showSwitch() {
  for (const box of document.querySelectorAll("[data-shortcuts-switch]")) box.checked = on();
}

document.addEventListener("change", (event) => {
  if (!event.target.matches?.("[data-shortcuts-switch]")) return;
  lasting.set("shortcuts", event.target.checked ? null : "off");
  showSwitch();
});

showSwitch();
