// One row a class: its name, a bar, its score. Rows are kept, so that bars move to where they are now.

const QUIET = 700  // ms without another answer before it is said aloud
const timers = new WeakMap()

export default function ({ data, parentElement }) {
  const list = parentElement.querySelector("ul"), said = parentElement.querySelector(".said")
  list.setAttribute("aria-label", data.name)
  list.classList.toggle("dense", data.dense)
  while (list.children.length > data.rows.length) list.lastChild.remove()
  while (list.children.length < data.rows.length) list.append(row())
  data.rows.forEach((score, n) => {
    const [name, bar, value] = list.children[n].children
    list.children[n].classList.toggle("best", score.best)
    name.textContent = name.title = score.name
    bar.firstChild.style.width = `${100 * score.share}%`
    value.textContent = score.value
  })
  clearTimeout(timers.get(parentElement))
  timers.set(parentElement, setTimeout(() => { said.textContent = data.said }, QUIET))
  return () => clearTimeout(timers.get(parentElement))
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
