// The link's text, its code, and the code over the whole screen.

export default function ({ data, parentElement }) {
  const find = name => parentElement.querySelector(name), all = name => parentElement.querySelectorAll(name)
  const copy = find(".copy"), said = find(".said"), large = find("dialog"), small = find("button.code"), text = find(".link")
  text.textContent = data.link
  find(".address").textContent = new URL(data.link).host  // short enough to be typed where a camera is missing
  for (const place of all(".code")) place.innerHTML = data.code ?? ""
  small.hidden = !data.code
  copy.textContent = "Copy link"
  said.textContent = ""

  copy.onclick = async () => {
    const done = await copied(data.link, text)
    copy.textContent = done ? "Copied" : "Selected: copy it by key"
    said.textContent = copy.textContent
  }
  small.onclick = () => large.showModal()
  large.onclick = () => large.close()
}

// Browsers lend the clipboard to pages from https and localhost alone; elsewhere what is selected can be copied.
async function copied(text, place) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const selection = getSelection()
    selection.removeAllRanges()
    selection.selectAllChildren(place)
    return document.execCommand("copy")
  }
}
