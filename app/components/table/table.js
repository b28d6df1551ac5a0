// The rows of a network's layers. What is selected comes by an event; what is picked goes by one.

const SETTLED = 250  // ms without a further arrow key, until the row stepped to is picked
const PART = 20      // rows that come into sight together
const tables = new WeakMap()

export default function ({ data, parentElement }) {
  let table = tables.get(parentElement)
  if (!table) tables.set(parentElement, (table = createTable(parentElement)))
  table.show(data)
  return () => { table.end(); tables.delete(parentElement) }
}

function createTable(root) {
  const [scroll, head, body] = [".scroll", ".head", ".body"].map(part => root.querySelector(part))
  let data = {}, order = [], rows = new Map(), selected = null, sorted = null, clock = 0
  let seen = { top: 0, height: 0, row: 0 }  // in pixels, kept, as asking in a click would lay all out anew

  function show(next) {
    const same = JSON.stringify(next) === JSON.stringify(data)
    data = next
    scroll.style.height = `${data.height / 16}rem`
    if (same) return
    sorted = null
    scroll.setAttribute("aria-rowcount", data.rows.length + 1)
    head.setAttribute("role", "row")  // not before it has cells, which a row must have
    head.innerHTML = data.columns.map(({ name, kind }) =>
      `<div class="cell ${kind === "text" ? "" : "number"}" role="columnheader"><button type="button" tabindex="-1">${escaped(name)}</button></div>`).join("")
    const widths = data.columns.map(({ name }, at) => width([name, ...data.rows.map(row => written(row[at]))]))
    scroll.style.setProperty("--columns", widths.map(width => `minmax(${width}em, auto)`).join(" "))
    scroll.style.setProperty("--width", `${widths.reduce((sum, width) => sum + width, 0)}em`)
    write()
    selected = null
    select(window.cnnvizSelected?.[data.selection]?.layer)
  }

  // of a column, in em, from its longest texts
  const pen = document.createElement("canvas").getContext("2d")
  function width(texts) {
    const style = getComputedStyle(scroll)
    pen.font = `${style.fontSize} ${style.fontFamily}`
    const longest = [...new Set(texts)].sort((a, b) => b.length - a.length).slice(0, 8)
    return Math.max(...longest.map(text => pen.measureText(text).width)) / parseFloat(style.fontSize) + 1.5
  }

  function write() {
    const most = data.columns.map(({ kind }, at) => kind === "bar" ? Math.max(1, ...data.rows.map(row => row[at])) : 0)
    const cell = (value, at) => {
      const { kind } = data.columns[at], share = kind === "bar" ? ` style="--share:calc(${value / most[at]} * (100% - 1rem))"` : ""
      return `<div class="cell ${kind === "bar" ? "number bar" : kind}" role="${at ? "gridcell" : "rowheader"}"${share}>${escaped(written(value))}</div>`
    }
    order = sorted ? [...data.rows].sort(by(sorted)) : data.rows
    const line = (row, number) =>
      `<div class="row" role="row" aria-rowindex="${number + 2}" aria-selected="false">${row.map(cell).join("")}</div>`
    const parts = Array.from({ length: Math.ceil(order.length / PART) }, (_, part) => order.slice(part * PART, (part + 1) * PART))
    body.innerHTML = parts.map((lines, part) =>
      `<div class="part" role="none" style="--rows:${lines.length}">${lines.map((row, at) => line(row, part * PART + at)).join("")}</div>`).join("")
    rows = new Map([...body.querySelectorAll(".row")].map((element, number) => [order[number][0], { element, number }]))
    measure()
  }

  const measure = () => { seen = { top: scroll.scrollTop, height: scroll.clientHeight, row: head.offsetHeight } }

  const by = ({ at, way }) => (a, b) =>
    way * (typeof a[at] === "number" ? a[at] - b[at] : String(a[at]).localeCompare(b[at], "en", { numeric: true }))

  // the largest first, then the smallest, then the order of the network again
  function sort(at) {
    const first = data.columns[at].kind === "text" ? 1 : -1
    sorted = sorted?.at !== at ? { at, way: first } : sorted.way === first ? { at, way: -first } : null
    for (const [number, cell] of [...head.children].entries()) {
      if (sorted?.at === number) cell.setAttribute("aria-sort", sorted.way > 0 ? "ascending" : "descending")
      else cell.removeAttribute("aria-sort")
    }
    const layer = selected
    write()
    selected = null
    select(layer)
  }

  function select(layer) {
    const row = rows.get(layer)
    if (!row || layer === selected) return
    rows.get(selected)?.element.setAttribute("aria-selected", "false")
    row.element.setAttribute("aria-selected", "true")
    selected = layer
    reveal(row)
  }

  // within the table alone: the page stays where it is
  function reveal({ number }) {
    const top = number * seen.row, bottom = top + 2 * seen.row  // the head lies over the first row in sight
    if (top < seen.top) scroll.scrollTop = top
    else if (bottom > seen.top + seen.height) scroll.scrollTop = bottom - seen.height
  }

  function pick(layer, after = 0) {
    clearTimeout(clock)
    select(layer)
    const tell = () => dispatchEvent(new CustomEvent("cnnviz:pick", { detail: { name: data.selection, pick: layer } }))
    if (after) clock = setTimeout(tell, after)
    else tell()
  }

  body.onclick = event => {
    const row = event.target.closest(".row")
    if (row && !String(getSelection()).trim()) pick(order[row.getAttribute("aria-rowindex") - 2][0])  // marked text is to be copied
  }
  head.onclick = event => {
    const cell = event.target.closest(".cell")
    if (cell) sort([...head.children].indexOf(cell))
  }
  scroll.onscroll = () => { seen.top = scroll.scrollTop }
  scroll.onkeydown = event => {
    if (event.target !== scroll || event.ctrlKey || event.metaKey || event.altKey) return
    const here = rows.get(selected)?.number ?? 0
    const to = order[{ ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: order.length - 1, Enter: here }[event.key] ?? -1]
    if (!to) return
    event.preventDefault()
    pick(to[0], event.key === "Enter" ? 0 : SETTLED)
  }

  const hear = ({ detail }) => { if (detail.name === data.selection) select(detail.layer ?? detail.pick) }
  const observer = new ResizeObserver(() => {
    measure()
    if (rows.has(selected)) reveal(rows.get(selected))
  })
  observer.observe(scroll)
  addEventListener("cnnviz:selected", hear)
  addEventListener("cnnviz:pick", hear)
  return {
    show,
    end: () => {
      clearTimeout(clock)
      observer.disconnect()
      removeEventListener("cnnviz:selected", hear)
      removeEventListener("cnnviz:pick", hear)
    },
  }
}

const written = value => typeof value === "number" ? value.toLocaleString("en-US") : String(value)
const escaped = text => text.replace(/[&<>"]/g, sign => `&#${sign.charCodeAt(0)};`)
