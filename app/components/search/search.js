// A combobox over the layers, as ARIA's authoring practices have it: what is typed is looked for in paths and titles.

const boxes = new WeakMap()

export default function ({ data, parentElement }) {
  let box = boxes.get(parentElement)
  if (!box) boxes.set(parentElement, (box = createBox(parentElement)))
  box.show(data)
  return () => { box.end(); boxes.delete(parentElement) }
}

function createBox(root) {
  const [input, list, field] = ["input", "ul", ".search"].map(part => root.querySelector(part))
  let data = { layers: [] }, selected = "", found = [], at = -1

  function show(next) {
    const same = JSON.stringify(next) === JSON.stringify(data)
    data = next
    if (!same) close()  // else a run that ends while one types would take the list away
    select(window.cnnvizSelected?.[data.selection]?.layer ?? "")
  }

  function select(path) {
    selected = path
    if (list.hidden) input.value = path
  }

  function open(words = "") {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean)
    const fits = ([path, title]) => wanted.every(word => `${path} ${title}`.toLowerCase().includes(word))
    found = data.layers.filter(fits)
    list.replaceChildren(...found.map(([path, title], number) => {
      const item = document.createElement("li")
      item.id = `found-${number}`
      item.setAttribute("role", "option")
      item.append(...[path, title].map(text => Object.assign(document.createElement("span"), { textContent: text })))
      return item
    }))
    if (!found.length) {
      const none = Object.assign(document.createElement("li"), { className: "none", textContent: "No layer has this in its name or kind." })
      none.setAttribute("role", "option")
      none.setAttribute("aria-disabled", "true")
      list.append(none)
    }
    list.hidden = false
    input.setAttribute("aria-expanded", "true")
    mark(wanted.length ? 0 : found.findIndex(([path]) => path === selected))
  }

  function mark(number) {
    list.children[at]?.setAttribute("aria-selected", "false")
    at = Math.min(found.length - 1, number)
    const item = found.length && list.children[at]
    if (!item) { input.removeAttribute("aria-activedescendant"); return }
    item.setAttribute("aria-selected", "true")
    input.setAttribute("aria-activedescendant", item.id)
    item.scrollIntoView({ block: "nearest" })
  }

  function close() {
    list.hidden = true
    at = -1
    input.setAttribute("aria-expanded", "false")
    input.removeAttribute("aria-activedescendant")
    input.value = selected
  }

  function pick(number) {
    const path = found[number]?.[0]
    if (!path) return
    selected = path
    close()
    dispatchEvent(new CustomEvent("cnnviz:pick", { detail: { name: data.selection, pick: path } }))
  }

  input.onfocus = () => input.select()
  input.onclick = () => { if (list.hidden) open() }
  input.oninput = () => open(input.value)
  input.onblur = event => { if (!field.contains(event.relatedTarget)) close() }
  list.onpointerdown = event => event.preventDefault()  // or the box would lose the focus before the click
  list.onclick = event => pick([...list.children].indexOf(event.target.closest("li")))
  input.onkeydown = event => {
    const { key } = event
    if (key === "ArrowDown") list.hidden ? open() : mark(at + 1)
    else if (key === "ArrowUp" && !list.hidden) mark(Math.max(0, at - 1))
    else if (key === "Enter" && !list.hidden) pick(at)
    else if (key === "Escape" && !list.hidden) close()
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  const hear = ({ detail }) => { if (detail.name === data.selection) select(detail.layer ?? selected) }
  addEventListener("cnnviz:selected", hear)
  return { show, end: () => removeEventListener("cnnviz:selected", hear) }
}
