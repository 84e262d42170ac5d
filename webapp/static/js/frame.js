// Small things every page has: menus that close, buttons that copy, questions before, failures told.

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu !== except) menu.open = false;
  }
}

document.addEventListener("click", (event) => {
  closeMenus(event.target.closest("details.menu"));
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = event.target.closest?.("details.menu[open]");
  closeMenus(null);
  menu?.querySelector("summary").focus();
});

async function copy(button) {
  const code = button.parentElement.querySelector("[data-copy-text]");
  const label = button.querySelector("[data-copy-label]");
  try {
    await navigator.clipboard.writeText(code.textContent.trim());
    label.textContent = "Copied";
  } catch {
    // Browsers refuse the clipboard on plain-HTTP addresses: select the text, so that Ctrl+C copies it.
    getSelection().selectAllChildren(code);
    label.textContent = "Press Ctrl+C";
  }
  setTimeout(() => (label.textContent = "Copy"), 3000);
}

function arm(root) {
  for (const button of root.querySelectorAll("button[data-copy][hidden]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
}

arm(document);
document.addEventListener("htmx:load", (event) => arm(event.detail.elt));
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

// A form that htmx sends and that fails would fail without a word. Polling (GET) tells on its own page.
function tell(event) {
  if (event.detail.requestConfig?.verb === "get") return;
  document.getElementById("failure")?.remove();
  const list = document.createElement("ul");
  list.id = "failure";
  list.className = "messages";
  list.setAttribute("role", "alert");
  const item = document.createElement("li");
  item.className = "error";
  item.textContent = event.detail.xhr?.status
    ? "That was not saved. Reload the page and try again."
    : "That was not saved: Pixelwise could not be reached. Check the connection and try again.";
  list.append(item);
  document.getElementById("content").before(list);
  list.scrollIntoView({ block: "nearest" });
}

document.addEventListener("htmx:responseError", tell);
document.addEventListener("htmx:sendError", tell);

const tabs = document.querySelector(".tabs");
const current = tabs?.querySelector("[aria-current]");
if (current) tabs.scrollLeft = current.offsetLeft - (tabs.clientWidth - current.offsetWidth) / 2;
