// Each module stands alone and finds its parts by data attributes; every page works without any of them.
import "./appearance.js";
import "./menu.js";
import "./copy.js";
import "./reveal.js";
import "./select.js";
import "./panel.js";
import "./keys.js";
import "./command.js";
import "./live.js";
import "./palette.js";
import "./remember.js";
import "./times.js";
import "./undo.js";
import "./upload.js";
import "./views.js";

// What went wrong is read first; a page that is one form begins in its first field.
(document.querySelector("[data-summary]") ?? document.querySelector("[data-begin] input:not([type='hidden'])"))?.focus();
