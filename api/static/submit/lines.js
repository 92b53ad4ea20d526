// Numbers of lines beside a text, those with faults marked.
const gutter = document.querySelector("#lines");

export function numberLines(text, faulty) {
  const count = text.value.split("\n").length;
  const lines = Array.from({ length: count }, (_, i) => {
    const line = document.createElement("span");
    line.textContent = i + 1;
    if (faulty.has(i + 1)) line.className = "faulty";
    return line;
  });
  gutter.replaceChildren(...lines);
  gutter.scrollTop = text.scrollTop;
  text.onscroll = () => (gutter.scrollTop = text.scrollTop);
}

// Puts the cursor on a line, the whole of which is selected.
export function selectLine(text, line) {
  const before = text.value.split("\n").slice(0, line - 1);
  const start = before.reduce((sum, one) => sum + one.length + 1, 0);
  const end = text.value.indexOf("\n", start);
  text.focus();
  text.setSelectionRange(start, end < 0 ? text.value.length : end);
}
