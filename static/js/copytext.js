// Copy a text that stands on the page and is no secret.
import { toast } from "./toast.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy-text]");
  const text = button && document.getElementById(button.dataset.copyText);
  if (!text) return;
  try {
    await navigator.clipboard.writeText(text.textContent);
    toast("Copied.");
  } catch {
    // No clipboard on plain http, or not allowed: select it for copying by hand.
    getSelection().selectAllChildren(text);
    toast("This page can’t reach the clipboard. The text is selected: copy it yourself.");
  }
});
