// A table whose differing cells are buttons: one of them is picked, and says why it differs.

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const table = parentElement.querySelector("table")
  const reason = parentElement.querySelector(".reason")
  const only = parentElement.querySelector("[role=switch]")
  if (table.sifted !== data.differing) sift(data.differing)  // a link, or the back button; or the page is new
  only.oninput = () => { sift(only.checked); setStateValue("differing", only.checked) }
  const shown = JSON.stringify([data.columns, data.rows, data.hint])
  if (table.shown === shown) return  // another run with the same table: what is picked stays
  table.shown = shown

  const element = (name, text, className) => {
    const made = document.createElement(name)
    if (text !== undefined) made.textContent = text
    if (className) made.className = className
    return made
  }
  const buttons = []

  const head = element("tr")
  const isText = text => /[a-z]{3}/i.test(text)
  const texts = data.columns.filter((_, at) => data.rows.some(row => row.cells[at]?.slice(0, 2).some(isText)))
  for (const name of ["layer", ...data.columns]) {
    const cell = element("th", name, name === "layer" || texts.includes(name) ? "name" : "")
    cell.scope = "col"
    head.append(cell)
  }
  const body = element("tbody")
  for (const row of data.rows) {
    const line = element("tr", undefined, row.cells.some(cell => cell?.[2] !== undefined) ? "" : "same")
    const name = element("th", "", "name")
    name.scope = "row"
    if (row.group) name.append(element("b", row.group), " ")
    name.append(row.layer)
    line.append(name)
    row.cells.forEach((cell, at) => line.append(cellOf(row, data.columns[at], cell)))
    body.append(line)
  }
  const headOfTable = element("thead")
  headOfTable.append(head)
  table.replaceChildren(headOfTable, body)

  function sift(differing) {
    table.sifted = only.checked = differing
    table.classList.toggle("sifted", differing)
  }

  function cellOf(row, column, cell) {
    if (!cell) return element("td")
    const [printed, computed, why] = cell
    const text = texts.includes(column) ? " text" : ""
    if (why === undefined) {
      return element("td", computed ?? printed, (computed === undefined ? "equal" : "alone") + text)
    }
    const made = element("td", undefined, "differs" + text)
    const button = element("button", `${printed} ≠ ${computed}`)
    button.name = `${row.group}/${row.layer}/${column}`
    button.title = why
    button.tabIndex = -1
    button.setAttribute("aria-label", `${row.group} ${row.layer}, ${column}: ${printed} printed, ${computed} computed`)
    button.onclick = () => pick(button, true)
    button.onkeydown = event => step(event, button)
    button.told = [row, column, cell]
    buttons.push(button)
    made.append(button)
    return made
  }

  function pick(button, tell) {
    for (const other of buttons) {
      other.setAttribute("aria-pressed", other === button)
      other.tabIndex = other === button ? 0 : -1
    }
    const [row, column, [printed, computed, why]] = button.told
    const where = element("b", `${row.group} ${row.layer}, ${column}: `.trimStart())
    reason.replaceChildren(where, `${printed} is printed, ${computed} computed. ${why}`)
    if (tell) setTriggerValue("pick", button.name)
  }

  function step(event, button) {
    const ahead = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
    if (!ahead) return
    event.preventDefault()
    const next = buttons[(buttons.indexOf(button) + ahead + buttons.length) % buttons.length]
    next.focus()
    pick(next, true)
  }

  const first = buttons.find(button => button.name === data.picked)
  reason.textContent = data.hint
  if (buttons.length) buttons[0].tabIndex = 0
  if (first) {
    pick(first, false)
    const scroll = parentElement.querySelector(".scroll")
    const cell = first.getBoundingClientRect()
    const box = scroll.getBoundingClientRect()
    scroll.scrollBy(Math.max(0, cell.right - box.right), cell.top - box.top - box.height / 2)
  }
}
