// Menus are <details>: one open at a time, closed by Esc, by a click elsewhere, and by what is chosen.
const open = () => document.querySelectorAll("[data-menu][open]");

document.addEventListener("click", (event) => {
  const inside = event.target.closest?.("[data-menu]");
  const chosen = event.target.closest?.(".menu-item");
  for (const menu of open()) {
    if (menu !== inside || chosen) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of open()) {
    const inside = menu.contains(document.activeElement);
    menu.open = false;
    if (inside) menu.querySelector("summary").focus();
    event.preventDefault();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const menu = event.target.closest?.("[data-menu][open]");
  if (!menu) return;
  const items = [...menu.querySelectorAll(".menu-item")];
  if (items.length === 0) return;
  const at = items.indexOf(document.activeElement);
  const step = event.key === "ArrowDown" ? 1 : -1;
  items[(at + step + items.length) % items.length].focus();
  event.preventDefault();
});

// Closing of dialogs by their own buttons.
document.addEventListener("click", (event) => {
  event.target.closest?.("[data-close]")?.closest("dialog")?.close();
});
