// Judging on the page of an image by keyboard: f fails it, p passes it, u takes the word back.
// Whoever overrules the model is asked why; Enter then saves.

const VERDICTS = { f: "fail", p: "pass" };

function isTyping(target) {
  return target.closest?.("input:not([type=checkbox]):not([type=range]), textarea, select, [contenteditable]");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.repeat) return;
  const box = document.querySelector("[data-review]");
  if (!box) return;
  const overrule = box.querySelector(".review-overrule");
  if (event.key === "Escape" && overrule.open) {
    overrule.open = false;
    overrule.querySelector("summary").focus();
    return;
  }
  if (isTyping(event.target)) return;
  if (event.key === "u") {
    box.querySelector("[data-withdraw]")?.click();
    return;
  }
  const verdict = VERDICTS[event.key];
  if (!verdict) return;
  event.preventDefault();
  const confirm = box.querySelector(`[data-verdict=${verdict}]`);
  if (confirm) confirm.click();
  else ask(overrule);
});

function ask(overrule) {
  overrule.open = true;
  overrule.querySelector("input[name=reason]").focus();
}

document.addEventListener(
  "toggle",
  (event) => {
    if (event.target.matches?.(".review-overrule") && event.target.open) ask(event.target);
  },
  true,
);

// What was just saved is read out, and focus stays in the box that was replaced.
document.addEventListener("htmx:afterSwap", (event) => {
  const box = event.detail.target?.id === "review" ? document.getElementById("review") : null;
  if (!box) return;
  const invalid = box.querySelector("[aria-invalid=true]");
  if (invalid) {
    invalid.focus();
    return;
  }
  box.tabIndex = -1;
  box.focus({ preventScroll: true });
});
