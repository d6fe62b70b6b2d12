// Remembers the language that a reader chose for examples, and shows it in all.
const radios = [...document.querySelectorAll("input[data-language]")];
const show = (language) => {
  for (const radio of radios) if (radio.dataset.language === language) radio.checked = true;
};
try {
  show(localStorage.getItem("language"));
} catch { /* the browser keeps nothing */ }
for (const radio of radios) {
  radio.addEventListener("change", () => {
    show(radio.dataset.language);
    try {
      localStorage.setItem("language", radio.dataset.language);
    } catch { /* likewise */ }
  });
}
