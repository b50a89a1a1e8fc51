// Moments in the time zone of whoever looks. The server writes UTC, which is what stands there without this; the exact
// moment is the text of a <time>, its title, or the small text beside it.
const UTC = / UTC$/;
const here = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" });
const away = !["UTC", "Etc/UTC", "GMT"].includes(here.resolvedOptions().timeZone);

function turn(time) {
  const moment = new Date(time.dateTime);
  if (Number.isNaN(moment.getTime())) return;
  const beside = time.nextElementSibling;
  if (UTC.test(time.title)) time.title = here.format(moment);
  for (const part of [time, beside]) {
    if (part && (part === time || part.matches(".aside")) && part.childElementCount === 0 && UTC.test(part.textContent)) part.textContent = here.format(moment);
  }
}

function within(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return;
  if (node.matches("time[datetime*='T']")) turn(node);
  node.querySelectorAll("time[datetime*='T']").forEach(turn);
}

if (away) {
  within(document.body);
  // panels, menus and answers come later
  new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach(within))).observe(document.body, { childList: true, subtree: true });
}
