// Shows a key in its place for a while, with a ring that runs out; hides it when the tab is left.
import { fetchKey } from "./secret.js";

const shown = new Map();

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-reveal]");
  if (!button) return;
  event.preventDefault();
  const cell = button.closest("[data-key-cell]");
  if (shown.has(cell)) {
    hide(cell);
    return;
  }
  if (button.disabled) return;
  button.disabled = true;
  try {
    const answer = await fetchKey(button.getAttribute("formaction"));
    if (answer) reveal(cell, answer.key, answer.hidden_after_seconds);
  } finally {
    button.disabled = false;
  }
});

export function reveal(cell, key, seconds, { select = false } = {}) {
  if (shown.has(cell)) hide(cell);
  const text = cell.querySelector("[data-key-text]");
  const spoken = cell.querySelector("[data-key-spoken]");
  const label = cell.querySelector("[data-reveal-label]");
  const ring = cell.querySelector("[data-ring]");
  const before = { text: text.textContent, spoken: spoken.textContent, label: label?.textContent };
  text.textContent = key;
  spoken.textContent = `Key ${key.split("-").map((group) => [...group].join(" ")).join(", ")}`;
  if (label) label.textContent = "Hide";
  ring.style.setProperty("--ring", `${seconds}s`);
  ring.removeAttribute("hidden");
  cell.classList.add("revealed");
  const timer = setTimeout(() => hide(cell), seconds * 1000);
  shown.set(cell, { before, timer, text, spoken, label, ring });
  if (select) getSelection().selectAllChildren(text);
}

function hide(cell) {
  const { before, timer, text, spoken, label, ring } = shown.get(cell);
  clearTimeout(timer);
  text.textContent = before.text;
  spoken.textContent = before.spoken;
  if (label) label.textContent = before.label;
  ring.setAttribute("hidden", "");
  cell.classList.remove("revealed");
  shown.delete(cell);
}

function hideAll() {
  for (const cell of [...shown.keys()]) hide(cell);
}

addEventListener("blur", hideAll);
addEventListener("pagehide", hideAll);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) hideAll();
});
