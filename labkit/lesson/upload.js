// The browser's half of upload.py: a button, a line of words, and a file sent in pieces, each when the last has come.
// A whole file in one message would be refused: a notebook server takes messages of a few megabytes.

const PIECE = 1 << 20; // bytes
const PATIENCE = 5000; // milliseconds without an answer before it is said that the kernel is busy
const KINDS = "image/png,image/jpeg,image/webp,.png,.jpg,.jpeg,.webp";
let names = 0;

function element(kind, properties, ...children) {
  const made = Object.assign(document.createElement(kind), properties);
  made.append(...children);
  return made;
}

const megabytes = (bytes) => (bytes / (1 << 20)).toFixed(1);

// One file on its way; `say` shows words, `model` leads to the kernel.
function sender(model, say) {
  const now = { file: null, upload: null, sent: 0, timer: null };

  function stop() {
    clearTimeout(now.timer);
    now.file = null;
  }

  async function next() {
    const { file, upload, sent } = now;
    let bytes;
    try {
      bytes = await file.slice(sent, sent + PIECE).arrayBuffer();
    } catch (error) {
      stop();
      return say(`${file.name} cannot be read any more (${error.message}): choose it once more.`, "refused");
    }
    if (now.upload !== upload) return; // another file was chosen meanwhile
    now.sent = sent + bytes.byteLength;
    const content = { kind: "piece", upload, name: file.name, size: file.size, start: sent };
    model.send(content, undefined, [bytes]);
    say(`Sending ${file.name}: ${megabytes(now.sent)} of ${megabytes(file.size)} MiB.`, "busy");
    const waiting = "The kernel does not answer yet: it is busy with a cell, or it is not running.";
    now.timer = setTimeout(() => say(waiting, "busy"), PATIENCE);
  }

  return {
    start(file) {
      stop();
      Object.assign(now, { file, upload: `${Date.now()}-${Math.random()}`, sent: 0 });
      next();
    },
    answered(content) {
      if (content.upload !== now.upload || now.file === null) return;
      clearTimeout(now.timer);
      if (content.kind === "next" && now.sent < now.file.size) next();
      else stop(); // all of it is there, or it was refused; what follows stands in the kernel's words
    },
    stop,
  };
}

function render({ model, el }) {
  const number = `labkit-upload-${names++}`;
  const words = element("p", { id: number, className: "labkit-upload-words" });
  words.setAttribute("role", "status");
  const input = element("input", { type: "file", accept: KINDS, hidden: true });
  const choose = element("button", { type: "button", textContent: "Choose a picture of your own …" });
  const back = element("button", { type: "button", textContent: "Back to the lesson’s picture" });
  choose.setAttribute("aria-describedby", number);
  const box = element("div", { className: "labkit-upload" }, choose, back, input, words);
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", "Your own picture");
  box.dataset.lmSuppressShortcuts = "true"; // seen: without it Enter opens no file here, own keys or not
  el.append(box);

  function say(text, state) {
    words.textContent = text;
    box.dataset.state = state;
  }
  const sending = sender(model, say);

  const busy = () => model.get("state") === "busy";

  function changed() {
    say(model.get("words"), model.get("state"));
    for (const button of [choose, back]) {
      button.setAttribute("aria-disabled", busy()); // not disabled, which would lose the focus
    }
    back.hidden = !model.get("own");
  }

  function take(file) {
    if (!file || busy()) return;
    const most = model.get("most_bytes");
    if (file.size <= most) return sending.start(file);
    const sizes = `${file.name} has ${megabytes(file.size)} MiB, and up to ${megabytes(most)} MiB are taken`;
    say(`Not taken: ${sizes}: save it smaller. It was not sent.`, "refused");
  }

  choose.addEventListener("click", () => busy() || input.click());
  back.addEventListener("click", () => {
    if (busy()) return;
    choose.focus(); // the button that was pressed goes away
    model.send({ kind: "back" });
  });
  input.addEventListener("change", () => {
    take(input.files[0]);
    input.value = ""; // so that the same file can be chosen again
  });
  for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
    box.addEventListener(name, (event) => {
      event.preventDefault();
      event.stopPropagation(); // JupyterLab would open the file
      box.classList.toggle("labkit-upload-over", name === "dragenter" || name === "dragover");
      if (name === "drop") take(event.dataTransfer.files[0]);
    });
  }
  model.on("change:words", changed);
  model.on("change:state", changed);
  model.on("change:own", changed);
  model.on("msg:custom", sending.answered);
  changed();
  return () => sending.stop();
}

export default { render };
