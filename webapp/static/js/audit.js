// The blind audit by keyboard: f fail, p pass, s skip, u undo. Each key presses the button that carries it.

let isLeaving = false;

document.addEventListener("keydown", (event) => {
  if (isLeaving || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const button = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!button) return;
  event.preventDefault();
  button.click();
});

// A second press while the next photo is on its way would judge a photo that nobody has seen.
for (const form of document.querySelectorAll(".audit-bar form")) {
  form.addEventListener("submit", (event) => {
    if (isLeaving) event.preventDefault();
    isLeaving = true;
  });
}
addEventListener("pageshow", () => (isLeaving = false));

const photo = document.querySelector(".audit-photo");
const fail = () => (document.querySelector("[data-audit-failure]").hidden = false);
if (photo?.complete && !photo.naturalWidth) fail();
photo?.addEventListener("error", fail);
photo?.addEventListener("click", () => photo.toggleAttribute("data-large"));
