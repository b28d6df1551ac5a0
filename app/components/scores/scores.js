// One row a class: its name, a bar, its score. Rows are kept, so that bars move to where they are now.

const QUIET = 700  // ms without another answer before it is said aloud
const timers = new WeakMap()

export default function ({ data, parentElement, setTriggerValue }) {
  const list = parentElement.querySelector("ul"), said = parentElement.querySelector(".said")
  list.setAttribute("aria-label", data.name)
  list.classList.toggle("dense", data.dense)
  while (list.children.length > data.rows.length) list.lastChild.remove()
  while (list.children.length < data.rows.length) list.append(row())
  data.rows.forEach((score, n) => {
    const [name, bar, value] = list.children[n].children
    list.children[n].classList.toggle("best", score.best)
    list.children[n].classList.toggle("chosen", score.index === data.chosen)
    const words = data.picks ? button(name) : name
    words.textContent = words.title = score.name
    if (data.picks) {
      words.setAttribute("aria-pressed", score.index === data.chosen)
      list.children[n].onclick = () => setTriggerValue("pick", score.index)
    }
    bar.firstChild.style.width = `${100 * score.share}%`
    value.textContent = score.value
  })
  clearTimeout(timers.get(parentElement))
  timers.set(parentElement, setTimeout(() => { said.textContent = data.said }, QUIET))
  return () => clearTimeout(timers.get(parentElement))
}

function button(name) {
  if (!name.firstElementChild) {
    const made = document.createElement("button")
    made.type = "button"
    name.replaceChildren(made)
  }
  return name.firstElementChild
}

function row() {
  const item = document.createElement("li"), fill = document.createElement("i")
  for (const name of ["name", "bar", "value"]) {
    const part = document.createElement("span")
    part.className = name
    item.append(part)
  }
  item.children[1].append(fill)
  return item
}
