// Sharpens pages that work without it. Nothing here is needed to see or to change anything.
"use strict";

// "Select this page": ticks every row; and the bulk form says how many are ticked.
for (const button of document.querySelectorAll(".select-page")) {
  const boxes = [...document.querySelectorAll('input[name="ids"]')];
  const ticked = document.querySelector('#which option[value="ids"]');
  const select = button.textContent;
  const all = () => boxes.every((box) => box.checked);
  const tell = () => {
    const number = boxes.filter((box) => box.checked).length;
    ticked.textContent = number ? `${ticked.dataset.label} (${number})` : ticked.dataset.label;
    button.textContent = all() ? button.dataset.other : select;
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    const check = !all();
    boxes.forEach((box) => { box.checked = check; });
    tell();
  });
  boxes.forEach((box) => box.addEventListener("change", tell));
  tell();
}

// The address of a list is for sending to colleagues: fields without a value stay out of it.
for (const form of document.querySelectorAll("form.search")) {
  form.addEventListener("submit", () => {
    for (const field of form.elements) field.disabled = field.name !== "" && field.value === "";
  });
  addEventListener("pageshow", () => { for (const field of form.elements) field.disabled = false; });
}

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const parts = document.getElementById(button.dataset.copy).querySelectorAll("pre");
    await navigator.clipboard.writeText([...parts].map((part) => part.textContent).join("\n"));
    button.firstChild.textContent = "✓";
    const region = document.querySelector("[data-copied]");
    const line = region.querySelector(".copied") ?? document.createElement("p");
    line.className = "copied visually-hidden";
    line.textContent = region.dataset.copied;
    line.remove();
    region.append(line);  // anew each time, so that it is read out again
  });
}

// A start for a note: fills the field in place, and keeps what was typed after it.
for (const link of document.querySelectorAll("[data-fill]")) {
  link.hidden = false;
  link.addEventListener("click", (event) => {
    const field = document.getElementById(link.dataset.fill);
    event.preventDefault();
    field.value = field.value.trim() ? `${field.value.trimEnd()}\n${link.dataset.text}` : link.dataset.text;
    field.focus();
  });
}

// A choice that has a button beside it takes effect at once.
for (const select of document.querySelectorAll(".sorting select")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}
for (const button of document.querySelectorAll(".sorting button")) button.hidden = true;

// A bulk act goes on piece by piece while its page is open.
for (const form of document.querySelectorAll("form.goes-on")) form.requestSubmit();

// On a narrow screen the left column begins folded: the items come first.
if (matchMedia("(max-width: 900px)").matches) {
  for (const fold of document.querySelectorAll(".fold")) fold.open = false;
}
