// Sends the form of this page on, which a person would do with its button.
const form = document.querySelector("form[data-submit]");
HTMLFormElement.prototype.submit.call(form);
