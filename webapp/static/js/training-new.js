// The form for a training: the field for another time is there when it is wanted.

const field = document.getElementById("own-length");

function show() {
  const chosen = document.querySelector("input[name=length]:checked");
  field.hidden = chosen?.value !== "own";
}

for (const choice of document.querySelectorAll("input[name=length]")) {
  choice.addEventListener("change", () => {
    show();
    if (!field.hidden) field.querySelector("input").focus();
  });
}
if (field) show();
