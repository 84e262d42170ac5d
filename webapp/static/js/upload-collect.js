// What a person dropped or chose, as a flat list of files whose names keep their sub-folders.

const HIDDEN = /(^|\/)(\.[^/]+|__MACOSX|Thumbs\.db|ehthumbs\.db|desktop\.ini)(\/|$)/i;
const BY_NAME = new Intl.Collator("en", { numeric: true });

/**
 * @typedef {{file: File, name: string}} Chosen
 * @typedef {{files: Chosen[], unreadable: string[], hiddenCount: number}} Collection
 */

/** Files of an <input type="file">, with or without webkitdirectory. @returns {Collection} */
export function fromInput(input) {
  const found = empty();
  for (const file of input.files) keep(found, file, file.webkitRelativePath || file.name);
  return sorted(found);
}

/**
 * Files and folders of a drop event. The entries must be taken before the first await: the browser
 * empties the DataTransfer as soon as the event handler returns.
 * @returns {Promise<Collection>}
 */
export async function fromDrop(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const loose = entries.length ? [] : [...transfer.files];
  const found = empty();
  for (const file of loose) keep(found, file, file.name);
  for (const entry of entries) await walk(entry, found);
  return sorted(found);
}

function empty() {
  return { files: [], unreadable: [], hiddenCount: 0 };
}

/** Browsers hand files over in the disk's order; people expect 2 before 10. */
function sorted(found) {
  found.files.sort((a, b) => BY_NAME.compare(a.name, b.name));
  return found;
}

function keep(found, file, name) {
  if (HIDDEN.test(name)) found.hiddenCount += 1;
  else found.files.push({ file, name });
}

async function walk(entry, found) {
  const name = entry.fullPath.replace(/^\//, "");
  try {
    if (entry.isFile) {
      keep(found, await fileOf(entry), name);
      return;
    }
    for (const child of await childrenOf(entry)) await walk(child, found);
  } catch (error) {
    found.unreadable.push(`${name} (${error.message || error.name})`);
  }
}

function fileOf(entry) {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

/** A directory reader hands out at most a hundred entries a call; an empty answer is the end. */
async function childrenOf(directory) {
  const reader = directory.createReader();
  const children = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return children;
    children.push(...some);
  }
}
