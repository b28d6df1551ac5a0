// Charts from plain numbers: lines over two axes, bars of several parts, a grid of who reads
// what, and windows that shrink layer by layer.

const NEAR = 28  // px from a value within which a pointer means it

function createCharts(root) {
  root.innerHTML = "<div class='charts'></div><output aria-live='polite'></output>"
  const [place, said] = root.children, figures = new Map()

  function show({ charts, columns, areas }) {
    place.style.gridTemplateColumns = columns
    place.style.gridTemplateAreas = areas
    for (const chart of charts) {
      const figure = figureFor(chart)
      figures.set(chart.name, figure)
      place.append(figure.whole)
      figure.drawn.style.height = `${chart.height / 16}rem`
      figure.drawn.setAttribute("aria-label", chart.label)
      figure.legend.innerHTML = (chart.title ? `<b>${escaped(chart.title)}</b>` : "") +
        (chart.legend ?? []).map(series => `<span>${swatch(series)}${escaped(series.name)}</span>`).join("")
      if (chart.title) figure.whole.prepend(figure.legend)
    }
    draw()
  }

  function figureFor(chart) {
    const whole = document.createElement("figure")
    whole.style.gridArea = chart.name
    whole.innerHTML = `<div class="drawn" role="img" tabindex="0"></div><figcaption></figcaption>`
    const figure = { chart, whole, drawn: whole.firstChild, legend: whole.lastChild, values: [], at: -1, width: 0 }
    figure.drawn.onpointermove = event => point(figure, nearest(figure, event))
    figure.drawn.onpointerleave = () => point(figure, -1)
    figure.drawn.onblur = () => point(figure, -1)
    figure.drawn.onkeydown = event => {
      const way = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
      if (!way || !figure.values.length || event.ctrlKey || event.metaKey || event.altKey) return
      event.preventDefault()
      point(figure, (figure.at + way + figure.values.length) % figure.values.length)
    }
    sized.observe(figure.drawn)
    return figure
  }

  const sized = new ResizeObserver(entries => {
    if (entries.some(({ target, contentRect }) => [...figures.values()].some(figure => figure.drawn === target && figure.width !== contentRect.width))) draw()
  })

  function draw() {
    const em = parseFloat(getComputedStyle(place).fontSize)
    const boxes = [...figures.values()].map(figure => [figure, figure.drawn.getBoundingClientRect()])  // all, before any is written
    for (const [figure, { width, height }] of boxes) {
      figure.width = width
      figure.values = []
      figure.at = -1
      if (!width) continue
      const marks = DRAWN[figure.chart.kind](figure.chart, { width, height, em }, figure.values)
      figure.drawn.innerHTML = `<svg aria-hidden="true">${marks}<circle class="pointed" r="8" visibility="hidden"/></svg>`
    }
  }

  function nearest({ values, drawn }, event) {
    const { left, top } = drawn.getBoundingClientRect()
    const far = ({ x, y }) => Math.hypot(event.clientX - left - x, event.clientY - top - y)
    let found = -1
    values.forEach((value, at) => { if (found < 0 || far(value) < far(values[found])) found = at })
    return found >= 0 && far(values[found]) < (values[found].reach ?? NEAR) ? found : -1
  }

  function point(figure, at) {
    if (at === figure.at) return
    figure.at = at
    const ring = figure.drawn.querySelector(".pointed"), value = figure.values[at]
    if (!ring) return
    ring.setAttribute("visibility", value && !value.reach ? "visible" : "hidden")
    if (value) { ring.setAttribute("cx", value.x); ring.setAttribute("cy", value.y) }
    said.textContent = value?.said() ?? ""
  }

  return { show, end: () => sized.disconnect() }
}

const escaped = text => text.replace(/[&<>"]/g, sign => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign])
const number = (value, digits = 0) => value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "−")
const words = (x, y, text, more = "") => `<text x="${x}" y="${y}" ${more}>${escaped(text)}</text>`

function mark(kind, x, y, r) {
  if (!r) return ""
  const open = kind.startsWith("open ") ? " open" : ""
  if (kind.endsWith("circle")) return `<circle class="mark${open}" cx="${x}" cy="${y}" r="${r}"/>`
  if (kind.endsWith("diamond")) return `<path class="mark${open}" d="M${x} ${y - r}l${r} ${r}l${-r} ${r}l${-r} ${-r}z"/>`
  const corners = Array.from({ length: 10 }, (_, n) => {
    const far = n % 2 ? r * .45 : r * 1.15, turn = Math.PI * (n / 5 - .5)
    return `${x + far * Math.cos(turn)} ${y + far * Math.sin(turn)}`
  })
  return `<path class="mark${open}" d="M${corners.join("L")}z"/>`
}

const swatch = ({ tone, look, mark: kind, pattern }) => `<svg class="${tone}" aria-hidden="true" viewBox="0 0 26 11">` + (
  look === undefined ? bar(`width="26" height="11"`, pattern)
    : (look === "none" ? "" : `<path class="line ${look}" d="M0 5.5h26"/>`) + (kind ? mark(kind, 13, 5.5, 3.5) : "")
) + "</svg>"

const bar = (box, pattern) => `<rect class="bar" ${box}/>${pattern ? `<rect fill="url(#${pattern})" ${box}/>` : ""}`

const PATTERNS = `<defs><pattern id="stripes" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path d="M0 0V7" stroke="#000" stroke-opacity=".28" stroke-width="2.5"/></pattern>` +
  `<pattern id="dots" width="7" height="7" patternUnits="userSpaceOnUse"><circle cx="3.5" cy="3.5" r="1.2" fill="#000" fill-opacity=".3"/></pattern>` +
  `<pattern id="rings" width="10" height="10" patternUnits="userSpaceOnUse"><circle cx="5" cy="5" r="2.6" fill="none" stroke="#000" stroke-opacity=".35"/></pattern></defs>`

const DRAWN = {
  lines({ x: across, y: up, series, rules = [] }, { width, height, em }, values) {
    const longest = Math.max(...up.ticks.map(([, text]) => text.length))
    const left = .62 * em * longest + .6 * em + (up.title ? 1.35 * em : 0), right = width - .8 * em
    const top = 1.35 * em, foot = height - (across.title ? 2.7 : 1.5) * em
    const x = value => left + (right - left) * (value - across.from) / (across.to - across.from)
    const y = value => foot - (foot - top) * (value - up.from) / (up.to - up.from)
    const drawn = [
      ...up.ticks.map(([value, text]) =>
        `<path class="${value === 0 ? "zero" : "grid"}" d="M${left} ${y(value)}H${right}"/>` + words(left - .4 * em, y(value), text, `dy=".32em" text-anchor="end"`)),
      ...across.ticks.map(([value, text]) => words(x(value), foot + 1.15 * em, text, `text-anchor="middle"`)),
      words((left + right) / 2, height - .25 * em, across.title, `text-anchor="middle"`),
    ]
    if (up.title) drawn.push(words(0, 0, up.title, `text-anchor="middle" transform="translate(${.95 * em} ${(top + foot) / 2}) rotate(-90)"`))
    for (const { at, text } of rules) {
      drawn.push(`<path class="rule" d="M${x(at)} ${top}V${foot}"/>`, words(x(at), .95 * em, text, `text-anchor="middle"`))
    }
    for (const { tone, look, mark: kind, points, say, digits } of series) {
      const way = look === "none" ? "" : `<path class="line ${look}" d="M${points.map(([px, py]) => `${x(px)} ${y(py)}`).join("L")}"/>`
      drawn.push(`<g class="${tone}">${way}${points.map(([px, py, r]) => mark(kind, x(px), y(py), r)).join("")}</g>`)
      for (const [px, py] of points) {
        values.push({ x: x(px), y: y(py), said: () => say.replaceAll("{x}", number(px)).replaceAll("{y}", number(py, digits)) })
      }
    }
    return drawn.join("")
  },

  bars({ rows, x: across }, { width, height, em }, values) {
    const longest = name => Math.max(...rows.map(row => row[name]?.length ?? 0))
    const left = .6 * em * longest("name") + .6 * em, right = width - .8 * em - .66 * em * longest("total")
    const foot = height - (across.title ? 2.7 * em : 0), step = foot / rows.length, thick = .78 * step
    const x = value => left + (right - left) * value / across.to
    const drawn = [
      PATTERNS,
      ...across.ticks.map(([value, text]) =>
        `<path class="grid" d="M${x(value)} 0V${foot}"/>` + words(x(value), foot + 1.15 * em, text, `text-anchor="middle"`)),
      words((left + right) / 2, height - .25 * em, across.title, `text-anchor="middle"`),
    ]
    rows.forEach(({ name, parts, total = "" }, at) => {
      const y = at * step + (step - thick) / 2, middle = y + thick / 2
      let from = 0
      drawn.push(words(left - .4 * em, middle, name, `dy=".32em" text-anchor="end"`))
      for (const { value, tone, pattern, say } of parts) {
        const text = number(value), room = x(from + value) - x(from)
        const box = `x="${x(from)}" y="${y}" width="${room}" height="${thick}"`
        const inside = room > (.62 * text.length + .6) * em ? words(x(from) + room / 2, middle, text, `class="ink" dy=".34em" text-anchor="middle"`) : ""
        values.push({ x: x(from) + room / 2, y: middle, reach: Math.max(room / 2, thick / 2), said: () => say })
        drawn.push(`<g class="${tone}">${bar(box, pattern)}${inside}</g>`)
        from += value
      }
      drawn.push(words(x(from) + .5 * em, middle, total, `class="total" dy=".34em"`))
    })
    return drawn.join("")
  },

  grid({ columns, rows, picked, titles: [across, up], says }, { width, height, em }, values) {
    const left = 3 * em, top = 3, wide = (width - left - 3) / columns.length, high = (height - 2.7 * em - top) / rows
    const foot = top + rows * high, middle = `text-anchor="middle"`
    const cell = (column, row, gap) => `x="${left + column * wide + gap}" y="${top + row * high + gap}" width="${wide - 2 * gap}" height="${high - 2 * gap}"`
    const drawn = [
      words(left + columns.length * wide / 2, height - .25 * em, across, middle),
      words(0, 0, up, `${middle} transform="translate(${.95 * em} ${(top + foot) / 2}) rotate(-90)"`),
    ]
    for (let row = 0; row < rows; row++) drawn.push(words(left - .5 * em, top + (row + .5) * high, String(row), `dy=".34em" text-anchor="end"`))
    columns.forEach((reads, column) => {
      const x = left + (column + .5) * wide
      drawn.push(words(x, foot + 1.15 * em, String(column), middle))
      for (let row = 0; row < rows; row++) {
        const y = top + (row + .5) * high, filled = reads.includes(row)
        const say = says[filled ? 0 : 1].replace("{x}", column).replace("{y}", row)
        drawn.push(filled ? `<g class="blue"><rect class="bar" ${cell(column, row, 1)}/>${words(x, y, "X", `class="ink" dy=".34em" ${middle}`)}</g>`
          : `<rect class="cells" ${cell(column, row, 2)}/>`)
        values.push({ x, y, reach: Math.min(wide, high) / 2, said: () => say })
      }
    })
    drawn.push(`<rect class="picked" x="${left + picked * wide}" y="${top - 1}" width="${wide}" height="${rows * high + 2}"/>`)
    return drawn.join("")
  },

  windows({ rows }, { width, height, em }) {
    const gap = 3.2, largest = Math.max(...rows.map(({ sides }) => sides[0]))
    const units = Math.max(...rows.map(({ sides }) => sides.reduce((sum, side) => sum + side + gap, -gap)))
    const below = 3.4 * em  // of a row: its sizes, in up to two lines
    const unit = Math.min((width - 2) / units, (height - rows.length * below) / (rows.length * largest), 1.9 * em)
    const drawn = []
    rows.forEach(({ tone, kernel, name, sides }, at) => {
      const top = 1 + at * (largest * unit + below)
      let x = 1
      sides.forEach((side, number) => {
        const size = side * unit, y = top + (largest - side) / 2 * unit, next = number + 1 < sides.length
        const lit = next ? Math.min(kernel, side) : 1
        const squares = [...new Set(number ? [lit, 1] : [lit])].map(lit => `<rect class="window" x="${x}" y="${y}" width="${lit * unit}" height="${lit * unit}"/>`)
        const cells = Array.from({ length: side + 1 }, (_, line) => `M${x + line * unit} ${y}v${size}M${x} ${y + line * unit}h${size}`)
        drawn.push(`<g class="${tone}">${squares.join("")}</g><path class="cells" d="${cells.join("")}"/>`)
        const lines = number ? [`${side} × ${side}`] : ["input", `${side} × ${side}`]
        lines.forEach((line, row) => drawn.push(words(x + size / 2, y + size + (1.05 + 1.15 * row) * em, line, `text-anchor="middle"`)))
        if (next) {
          const [from, to, middle] = [x + size + .4 * unit, x + size + 2.8 * unit, top + largest / 2 * unit]
          drawn.push(`<path class="${tone} arrow" d="M${from} ${middle}H${to}m${-.35 * em} ${-.35 * em}l${.35 * em} ${.35 * em}l${-.35 * em} ${.35 * em}"/>`)
          if (!number) drawn.push(words((from + to) / 2, middle - .6 * em, name, `text-anchor="middle"`))  // all others are the same
        }
        x += size + gap * unit
      })
    })
    return drawn.join("")
  },
}
