// Reads the page again every few seconds and changes in place what is new, so that
// focus, scrolling and what is open stay as they are. It rests while nobody looks,
// and ends where somebody is signed out.
const live = document.getElementById("live");
const said = document.getElementById("live-said");
const page = document.getElementById("text");
const patience = 5 * 60_000; // without an answer, in milliseconds
let every = Number(live.dataset.every) * 1000;
let answered = Date.now();
let spoke = answered;
let timer;

// name tells an element from its neighbours, also in the page that is read.
const name = (node) => node.id || node.getAttribute?.("aria-labelledby")
  || node.localName === "tr" && (node.querySelector("th a")?.getAttribute("href") ?? node.cells[0]?.textContent) || "";

const alike = (a, b) => a.nodeName === b.nodeName && name(a) === name(b);

function become(old, wanted) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== wanted.data) old.data = wanted.data;
    return;
  }
  for (const { name: n, value } of wanted.attributes) if (old.getAttribute(n) !== value) old.setAttribute(n, value);
  for (const { name: n } of [...old.attributes]) {
    if (!wanted.hasAttribute(n) && !(n === "open" && old.localName === "details")) old.removeAttribute(n);
  }
  let at = old.firstChild;
  for (const child of wanted.childNodes) {
    let found = at;
    while (found && !alike(found, child)) found = found.nextSibling;
    if (found) become(found, child);
    else found = document.importNode(child, true);
    if (found === at) at = at.nextSibling;
    else old.insertBefore(found, at);
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

function show(read) {
  const focused = document.activeElement;
  const choices = page.querySelector(".choices"); // which say what the reader chose
  read.querySelector(".choices")?.replaceWith(choices.cloneNode(true));
  read.getElementById("live-said").textContent = said.textContent;
  become(page, read.getElementById("text"));
  if (focused === document.activeElement) return;
  (focused.isConnected ? focused : page).focus({ preventScroll: true });
}

// say is for who does not see the page change: at most once a minute, or when it stops.
function say(now) {
  if (!now && Date.now() - spoke < 60_000) return;
  spoke = Date.now();
  said.textContent = live.textContent;
}

function again() {
  clearTimeout(timer);
  if (every > 0 && !document.hidden) timer = setTimeout(ask, every);
}

function stop(why) {
  every = 0;
  live.textContent = why;
  say(true);
}

// The page comes as a document and not as text, which no policy would let a script
// make a document of.
function ask() {
  const asked = new XMLHttpRequest();
  asked.open("GET", location.href);
  asked.responseType = "document";
  asked.timeout = 10_000;
  asked.onloadend = () => {
    const read = asked.responseXML;
    if (asked.status === 200 && read?.getElementById("live")) {
      answered = Date.now();
      show(read);
      every = Number(live.dataset.every) * 1000;
      say(false);
    } else if (asked.status > 0 && asked.status < 500 || Date.now() - answered > patience) {
      return stop(live.dataset.over);
    } else if (live.textContent !== live.dataset.late) {
      live.textContent = live.dataset.late;
      say(true);
    }
    again();
  };
  asked.send();
}

// Without this script, the page is read once unless somebody asks for more.
if (new URLSearchParams(location.search).get("live") !== "no") {
  const link = page.querySelector(".choice a[href*='live=1']");
  for (const other of link?.closest("ul").querySelectorAll("a") ?? []) other.removeAttribute("aria-current");
  link?.setAttribute("aria-current", "true");
}
document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden && every > 0) ask();
});
again();
