// Only some kinds of file have a choice of rows; the others leave the field out of sight.

const form = document.querySelector("[data-report-form]");
const grain = form?.querySelector("[data-grain]");

function follow() {
  const kind = form.querySelector("input[name=kind]:checked")?.value ?? "";
  grain.hidden = !grain.dataset.kinds.split(" ").includes(kind);
}

if (grain) {
  form.addEventListener("change", follow);
  follow();
}
