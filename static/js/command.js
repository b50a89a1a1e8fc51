// Copies a line that is no secret: the text that stands beside the button.
import { toast } from "./toast.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy-text]");
  if (!button) return;
  const line = button.parentElement.querySelector("code");
  try {
    await navigator.clipboard.writeText(line.textContent);
    toast("Copied.");
  } catch {
    // No clipboard on plain http, or not allowed: the line is selected instead.
    getSelection().selectAllChildren(line);
    toast("This page can’t reach the clipboard. The line is selected: copy it yourself.");
  }
});
