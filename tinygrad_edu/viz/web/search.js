// Finds boxes by name, operation or module; Enter goes from one to the next.

export function search(field, output, data, go) {
  let found = [],
    at = -1;
  const texts = data.boxes.map((box) =>
    [box.title, box.name, box.op, box.label, data.frames[box.frame].path]
      .filter(Boolean)
      .join(" ")
      .toLowerCase(),
  );

  function look() {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    found = words.length
      ? [...texts.keys()].filter((b) => words.every((word) => texts[b].includes(word)))
      : [];
    at = -1;
    output.textContent = words.length
      ? found.length
        ? `${found.length} found: press Enter`
        : "nothing found"
      : "";
  }

  field.addEventListener("input", look);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      field.value = "";
      look();
      field.blur();
    }
    if (event.key !== "Enter" || !found.length) return;
    at = (at + (event.shiftKey ? found.length - 1 : 1)) % found.length;
    output.textContent = `${at + 1} of ${found.length}`;
    go(found[at]);
  });
}
