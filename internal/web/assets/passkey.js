// Passkeys (WebAuthn §5.1). A form with data-passkey asks the browser for one, puts
// the answer into its field and is sent. Without this script it stays hidden.

const decode = (text) => Uint8Array.from(
  atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

const encode = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

// What the server sends is JSON (§5.1.8, §5.1.9); the browser wants bytes.
const read = (options) => {
  const key = structuredClone(options.publicKey ?? options);
  key.challenge = decode(key.challenge);
  if (key.user) key.user.id = decode(key.user.id);
  for (const list of [key.allowCredentials, key.excludeCredentials]) {
    for (const credential of list ?? []) credential.id = decode(credential.id);
  }
  return key;
};

const write = (credential) => {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = encode(credential.response[name]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  return JSON.stringify({
    id: credential.id,
    rawId: encode(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: credential.getClientExtensionResults(),
    response,
  });
};

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  form.hidden = false;
  for (const gone of document.querySelectorAll("[data-without-passkey]")) gone.hidden = true;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const failed = form.querySelector("[data-failed]");
    failed.textContent = "";
    try {
      const publicKey = read(JSON.parse(form.dataset.options));
      const credential = form.dataset.passkey === "create"
        ? await navigator.credentials.create({ publicKey })
        : await navigator.credentials.get({ publicKey });
      form.elements.credential.value = write(credential);
      HTMLFormElement.prototype.submit.call(form);
    } catch (e) {
      // The person turned it down, it took too long, or this one is known already.
      failed.textContent = e.name === "InvalidStateError" ? failed.dataset.known : failed.dataset.failed;
    }
  });
}
