// What one folds stays folded, and what one opens stays open: [data-remember] names it.
import { lasting } from "./store.js";

const nameOf = (fold) => `fold.${fold.dataset.remember}`;

export function recall(scope = document) {
  for (const fold of scope.querySelectorAll("details[data-remember]")) {
    const kept = lasting.get(nameOf(fold));
    if (kept !== null) fold.open = kept === "open";
  }
}

// A toggle doesn't bubble: it is caught on its way down.
document.addEventListener(
  "toggle",
  (event) => {
    const fold = event.target;
    if (fold.matches?.("details[data-remember]")) lasting.set(nameOf(fold), fold.open ? "open" : "shut");
  },
  true,
);

recall();
