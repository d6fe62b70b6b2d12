// Shows the buttons that copy what stands in the element they name.
for (const button of document.querySelectorAll("button[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  if (!navigator.clipboard || !source) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const lines = [...source.querySelectorAll("code")].map((c) => c.textContent);
    await navigator.clipboard.writeText(lines.join("\n"));
    const said = document.getElementById(button.dataset.said);
    if (said) said.textContent = said.dataset.text;
  });
}
