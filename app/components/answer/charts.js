// Charts from plain numbers. Each kind is a function of DRAWN: what `cnnviz/views` says of a chart, and its room -> SVG,
// and the values that can be pointed at.

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

const said = (say, x, y) => say.replaceAll("{x}", x).replaceAll("{y}", Number(y.toPrecision(4)).toString())

// viridis, of Smith and van der Walt 2015 (CC0)
const VIRIDIS = "440154 482475 414487 355f8d 2a788e 21918c 22a884 44bf70 7ad151 bddf26 fde725".split(" ")
const viridis = share => {
  const at = Math.min(share * 10, 9.999), mixed = [0, 2, 4].map(byte => {
    const [low, high] = [0, 1].map(more => parseInt(VIRIDIS[Math.floor(at) + more].slice(byte, byte + 2), 16))
    return Math.round(low + (high - low) * (at % 1))
  })
  return `rgb(${mixed.join(" ")})`
}
const GRADIENT = `<defs><linearGradient id="viridis" x1="0" y1="1" x2="0" y2="0">${VIRIDIS.map((colour, at) => `<stop offset="${at / 10}" stop-color="#${colour}"/>`).join("")}</linearGradient></defs>`

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
    for (const { tone, look, mark: kind, points, say, digits, says } of series) {
      const way = look === "none" ? "" : `<path class="line ${look}" d="M${points.map(([px, py]) => `${x(px)} ${y(py)}`).join("L")}"/>`
      drawn.push(`<g class="${tone}">${way}${points.map(([px, py, r]) => mark(kind, x(px), y(py), r)).join("")}</g>`)
      for (const [at, [px, py]] of points.entries()) {
        if (say || says) values.push({ x: x(px), y: y(py), said: () => says?.[at] ?? say.replaceAll("{x}", number(px)).replaceAll("{y}", number(py, digits)) })
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

  columns({ names, x: across, y: up, series, marks = [], band }, { width, height, em }, values) {
    const titles = across.title.split("\n"), longest = Math.max(...up.ticks.map(([, text]) => text.length))
    const left = .62 * em * longest + .6 * em + (up.title ? 1.35 * em : 0), right = width - .4 * em, top = .6 * em
    const below = across.turned ? .5 * em * Math.max(...names.map(name => name.length)) + .6 * em : 1.5 * em
    const foot = height - below - 1.25 * em * titles.filter(Boolean).length
    const step = (right - left) / names.length, x = place => left + (place + .5) * step
    const y = value => foot - (foot - top) * (value - up.from) / (up.to - up.from)
    const drawn = [
      PATTERNS,
      band ? `<rect class="band" x="${x(Math.max(band[0], -.5))}" y="${top}" width="${x(Math.min(band[1], names.length - .5)) - x(Math.max(band[0], -.5))}" height="${foot - top}"/>` : "",
      ...up.ticks.map(([value, text]) =>
        `<path class="${value === 0 ? "zero" : "grid"}" d="M${left} ${y(value)}H${right}"/>` + words(left - .4 * em, y(value), text, `dy=".32em" text-anchor="end"`)),
      ...across.ticks.map(([place, text]) => across.turned
        ? words(0, 0, text, `text-anchor="end" transform="translate(${x(place) + .3 * em} ${foot + .8 * em}) rotate(-45)"`)
        : words(x(place), foot + 1.15 * em, text, `text-anchor="middle"`)),
      ...titles.map((title, line) => words((left + right) / 2, height - (.25 + 1.25 * (titles.length - 1 - line)) * em, title, `text-anchor="middle"`)),
    ]
    if (up.title) drawn.push(words(0, 0, up.title, `text-anchor="middle" transform="translate(${.95 * em} ${(top + foot) / 2}) rotate(-90)"`))
    const thick = .8 * step / series.length
    series.forEach(({ tone, pattern, heights, say }, number) => {
      const bars = heights.map((value, place) => {
        const from = x(place) + (number - series.length / 2) * thick
        values.push({ x: from + thick / 2, y: y(value), said: () => said(say, names[place], value) })
        return bar(`x="${from}" y="${y(value)}" width="${thick}" height="${Math.max(0, y(0) - y(value))}"`, thick > 6 && pattern)
      })
      drawn.push(`<g class="${tone}${thick < 6 ? " fine" : ""}">${bars.join("")}</g>`)
    })
    for (const { tone, mark: kind, heights, say } of marks) {
      drawn.push(`<g class="${tone}">${heights.map((value, place) => {
        values.push({ x: x(place), y: y(value), said: () => said(say, names[place], value) })
        return mark(kind, x(place), y(value), 4)
      }).join("")}</g>`)
    }
    return drawn.join("")
  },

  bubbles({ x: across, y: up, points, front }, { width, height, em }, values) {
    const longest = Math.max(...up.ticks.map(([, text]) => text.length))
    const left = .62 * em * longest + 1.95 * em, right = width - .8 * em, top = .5 * em, foot = height - 2.7 * em
    const x = value => left + (right - left) * (value - across.from) / (across.to - across.from)
    const y = value => foot - (foot - top) * (value - up.from) / (up.to - up.from)
    const steps = front.map(([px, py], at) => at ? `H${x(px)}V${y(py)}` : `M${x(px)} ${y(py)}`)
    return [
      ...up.ticks.map(([value, text]) => `<path class="grid" d="M${left} ${y(value)}H${right}"/>` + words(left - .4 * em, y(value), text, `dy=".32em" text-anchor="end"`)),
      ...across.ticks.map(([value, text]) => `<path class="grid" d="M${x(value)} ${top}V${foot}"/>` + words(x(value), foot + 1.15 * em, text, `text-anchor="middle"`)),
      words((left + right) / 2, height - .25 * em, across.title, `text-anchor="middle"`),
      words(0, 0, up.title, `text-anchor="middle" transform="translate(${.95 * em} ${(top + foot) / 2}) rotate(-90)"`),
      `<g class="blue"><path class="line" d="${steps.join("")}"/></g>`,
      ...points.map(({ name, x: px, y: py, r: full, on, say }) => {
        const r = full * Math.min(1, width / 700), room = x(px) - left > .6 * em * name.length + r
        values.push({ x: x(px), y: y(py), reach: Math.max(r, 10), said: () => say })
        const drawn = `<g class="${on ? "blue" : "orange"}">${mark(on ? "circle" : "open circle", x(px), y(py), r)}</g>`
        if (on && !room) return drawn + words(x(px) + .7 * r, y(py) - .8 * r - 3, name)
        return drawn + (on ? words(x(px) - .7 * r, y(py) - .8 * r - 3, name, `text-anchor="end"`) : words(x(px), y(py) + r + 1.05 * em, name, `text-anchor="middle"`))
      }),
    ].join("")
  },

  spans({ rows, positions, below }, { width, height, em }) {
    const left = .56 * em * Math.max(...rows.map(({ name }) => name.length)) + .6 * em, step = (width - left - 2) / positions
    const drawn = [], lane = (height - 3.8 * em - rows.length * 2 * em) / rows.reduce((sum, { lanes }) => sum + lanes, 0)
    let top = 2
    for (const { name, tone, starts, window, lanes, counts } of rows) {
      drawn.push(words(left - .5 * em, top + lanes * lane / 2, name, `dy=".34em" text-anchor="end"`))
      drawn.push(`<g class="${tone}">${starts.map((start, number) =>
        `<rect class="bar" x="${left + start * step + 1}" y="${top + (number % lanes) * lane}" width="${window * step - 2}" height="${.82 * lane}"/>`).join("")}</g>`)
      top += lanes * lane
      drawn.push(...counts.map((count, place) => words(left + (place + .5) * step, top + .95 * em, `${count}×`, `text-anchor="middle"`)))
      top += 2 * em
    }
    drawn.push(...Array.from({ length: positions }, (_, place) => words(left + (place + .5) * step, height - 2.6 * em, String(place), `text-anchor="middle"`)))
    drawn.push(...below.split("\n").map((line, at) => words(left + positions * step / 2, height - (1.45 - 1.2 * at) * em, line, `text-anchor="middle"`)))
    return drawn.join("")
  },

  field({ side, steps, crossed, ends }, { width, height, em }) {
    const size = Math.min(width - 5 * em, height - 4), unit = size / side, gone = new Set(crossed)
    const sheet = Object.assign(document.createElement("canvas"), { width: side, height: side }), context = sheet.getContext("2d")
    steps.forEach((step, at) => {
      if (gone.has(at)) return
      context.fillStyle = viridis(step / 255)
      context.fillRect(at % side, Math.floor(at / side), 1, 1)
    })
    const crosses = crossed.map(at => {
      const x = 2 + (at % side + .2) * unit, y = 2 + (Math.floor(at / side) + .2) * unit, r = .6 * unit
      return `M${x} ${y}l${r} ${r}m0 ${-r}l${-r} ${r}`
    })
    const scale = ends.map((text, at) => words(size + 1.6 * em, at ? 2 + .8 * em : size, text))
    return `<image href="${sheet.toDataURL()}" x="2" y="2" width="${size}" height="${size}" style="image-rendering:pixelated"/>` +
      `<path class="gone" d="${crosses.join("")}"/>${GRADIENT}<rect fill="url(#viridis)" x="${size + .7 * em}" y="2" width="${.6 * em}" height="${size}"/>${scale.join("")}`
  },

  framed({ picture, size, frames }, { width, height }) {
    const scale = Math.min(width, height) / size
    return `<image href="${picture}" width="${size * scale}" height="${size * scale}"/>` + frames.map(({ tone, look, left, top, side }) =>
      `<g class="${tone}"><rect class="line ${look}" x="${left * scale}" y="${top * scale}" width="${side * scale}" height="${side * scale}"/></g>`).join("")
  },

  bitmaps({ bitmaps, names, framed }, { width, height, em }) {
    const [rows, columns] = [bitmaps[0].length, bitmaps[0][0].length], gap = 2
    const unit = Math.min((width - 4) / (bitmaps.length * (columns + gap) - gap), (height - 1.6 * em - 4) / rows)
    const left = at => 2 + at * (columns + gap) * unit
    const ink = bitmaps.flatMap((bitmap, at) => bitmap.flatMap((line, row) => [...line].map((sign, column) =>
      sign === "X" ? `M${left(at) + column * unit} ${2 + row * unit}h${unit - 1}v${unit - 1}h${1 - unit}z` : "")))
    return [
      ...bitmaps.map((_, at) => `<rect class="cells" x="${left(at)}" y="2" width="${columns * unit}" height="${rows * unit}"/>`),
      `<path class="text" d="${ink.join("")}"/>`,
      ...framed.map(({ at, tone, look }) => `<g class="${tone}"><rect class="line ${look}" x="${left(at)}" y="2" width="${columns * unit}" height="${rows * unit}"/></g>`),
      ...names.map((name, at) => words(left(at) + columns * unit / 2, 4 + rows * unit + 1.15 * em, name, `text-anchor="middle"`)),
    ].join("")
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
