// The switch between light, dark and what the system wants.
import { lasting } from "./store.js";

const root = document.documentElement;

function show() {
  const theme = root.dataset.theme ?? "auto";
  for (const button of document.querySelectorAll("[data-theme-set]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeSet === theme));
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-theme-set]");
  if (!button) return;
  const theme = button.dataset.themeSet;
  if (theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = theme;
  lasting.set("theme", theme === "auto" ? null : theme);
  show();
});

show();
