// What pages do with JavaScript on: buttons that need it show themselves. All else works without.
"use strict";

document.documentElement.classList.add("js");

// Browsers lend their clipboard to pages on HTTPS and on this machine alone.
async function copied(source) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(source);
    return false;
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  button.textContent = (await copied(source)) ? "Copied" : "Selected: copy with Ctrl+C";
  setTimeout(() => { button.textContent = "Copy"; }, 3000);
});

// A file dropped on a field goes into it.
for (const type of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(type, (event) => {
    const area = event.target.closest("[data-drop]");
    if (!area) return;
    event.preventDefault();
    area.classList.toggle("over", type === "dragover");
    if (type === "drop" && event.dataTransfer.files.length) {
      const field = document.getElementById(area.dataset.drop);
      field.files = event.dataTransfer.files;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });
}

// A file that the server would refuse is refused before it is sent.
document.addEventListener("change", (event) => {
  const limit = Number(event.target.dataset.limitBytes);
  if (!limit) return;
  const large = [...event.target.files].some((file) => file.size > limit);
  event.target.setCustomValidity(large ? "This file is larger than the farm takes; divide it." : "");
  event.target.reportValidity();
});
