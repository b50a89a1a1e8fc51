// Ticks in lists: the page at once, ranges by Shift, all that match, and none forgotten while paging.
//
// A list is [data-select] with data-select-place (where ticks are kept), data-select-total (how many match)
// and data-select-form (the form that takes them). Its boxes are [data-select-row].
import { passing } from "./store.js";

const number = new Intl.NumberFormat("en");
let last = null;

const rootOf = (element) => element.closest?.("[data-select]");
const boxesOf = (root) => [...root.querySelectorAll("[data-select-row]")];
const nameOf = (root) => `ticks.${root.dataset.selectPlace}${root.dataset.selectForm}`;
const formOf = (root) => document.getElementById(root.dataset.selectForm);

function load(root) {
  try {
    return new Set(JSON.parse(passing.get(nameOf(root)) ?? "[]"));
  } catch {
    return new Set();
  }
}

function save(root, ticks) {
  passing.set(nameOf(root), ticks.size === 0 ? null : JSON.stringify([...ticks]));
}

function update(root) {
  const ticks = load(root);
  for (const box of boxesOf(root)) {
    if (box.checked) ticks.add(box.value);
    else ticks.delete(box.value);
  }
  save(root, ticks);
  setMatching(root, false);
  show(root, ticks);
}

function show(root, ticks) {
  const boxes = boxesOf(root);
  const ticked = boxes.filter((box) => box.checked).length;
  const all = root.querySelector("[data-select-page]");
  if (all) {
    all.checked = ticked > 0 && ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  }
  const bar = root.querySelector("[data-select-bar]");
  if (!bar) return;
  const total = Number(root.dataset.selectTotal);
  const matching = root.dataset.selectMatching === "on";
  bar.hidden = ticks.size === 0;
  const status = matching ? `All ${number.format(total)} matching selected.` : `${number.format(ticks.size)} ${ticks.size === 1 ? bar.dataset.one : bar.dataset.many} selected.`;
  bar.querySelector("[data-select-status]").textContent = ticks.size === 0 ? "" : status;
  const more = bar.querySelector("[data-select-matching]");
  more.hidden = matching || ticked < boxes.length || total <= ticks.size;
  more.textContent = `Select all ${number.format(total)} matching`;
}

function setMatching(root, on) {
  root.dataset.selectMatching = on ? "on" : "off";
}

function restore(root) {
  const ticks = load(root);
  for (const box of boxesOf(root)) box.checked = ticks.has(box.value);
  show(root, ticks);
}

export function start(scope = document) {
  scope.querySelectorAll("[data-select]").forEach(restore);
}

document.addEventListener("click", (event) => {
  const box = event.target.closest?.("[data-select-row]");
  if (box) {
    const root = rootOf(box);
    const boxes = boxesOf(root);
    if (event.shiftKey && last && boxes.includes(last)) {
      const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
      boxes.slice(from, to + 1).forEach((other) => (other.checked = box.checked));
    }
    last = box;
    update(root);
    return;
  }
  const page = event.target.closest?.("[data-select-page]");
  if (page) {
    const root = rootOf(page);
    boxesOf(root).forEach((other) => (other.checked = page.checked));
    update(root);
    return;
  }
  const matching = event.target.closest?.("[data-select-matching]:not([data-select])");
  if (matching) {
    const root = rootOf(matching);
    setMatching(root, true);
    show(root, load(root));
    return;
  }
  const clear = event.target.closest?.("[data-select-clear]");
  if (clear) {
    const root = rootOf(clear);
    save(root, new Set());
    boxesOf(root).forEach((other) => (other.checked = false));
    update(root);
  }
});

// Ticks of other pages go along when the form is sent. "All that match" is told to the server as scope=matching
// with the filter of the address and the number that was shown, so that it can ask again when that has changed.
document.addEventListener("formdata", (event) => {
  const root = [...document.querySelectorAll("[data-select]")].find((list) => formOf(list) === event.target);
  const box = root && boxesOf(root)[0];
  if (!box) return;
  const data = event.formData;
  data.delete(box.name);
  if (root.dataset.selectMatching !== "on") {
    for (const value of load(root)) data.append(box.name, value);
    return;
  }
  data.set("scope", "matching");
  data.set("expected", root.dataset.selectTotal);
  for (const [name, value] of new URLSearchParams(location.search)) {
    if (!["page", "tab", "keys_page", "columns", "format"].includes(name)) data.set(name, value);
  }
});

addEventListener("pageshow", () => start());
start();
