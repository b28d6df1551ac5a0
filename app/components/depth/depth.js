// Every layer's statistics in a chart. What is selected comes by an event; what is picked goes by one.

const SETTLED = 250  // ms without a further arrow key, until the layer stepped to is picked
const UPPER = .62, GAP = .08  // of the height
const charts = new WeakMap()

export default function ({ data, parentElement }) {
  let chart = charts.get(parentElement)
  if (!chart) charts.set(parentElement, (chart = createChart(parentElement)))
  chart.show(data)
  return () => { chart.end(); charts.delete(parentElement) }
}

function createChart(root) {
  const [chart, said] = [".chart", "p"].map(part => root.querySelector(part))
  let data = {}, drawn = null, selected = null, pointed = null, clock = 0

  function show(next) {
    const same = JSON.stringify(next) === JSON.stringify(data)
    data = next
    if (!same) draw()
    select(window.cnnvizSelected?.[data.selection]?.layer)
  }

  function draw() {
    const { width, height } = chart.getBoundingClientRect()
    if (!width || !data.layers) return
    const em = parseFloat(getComputedStyle(root.host ?? chart).fontSize)
    const left = 3.4 * em, right = width - .4 * em, foot = height - 1.7 * em
    const upper = { top: .4 * em, bottom: UPPER * foot }, lower = { top: (UPPER + GAP) * foot, bottom: foot }
    const step = (right - left) / data.layers.length
    const x = number => left + (number + .5) * step

    const sizes = data.layers.flatMap(({ mean, deviation }) => [Math.abs(mean), deviation]).filter(size => size > 0)
    const from = Math.floor(Math.log10(Math.min(...sizes, 1))), to = Math.max(from + 1, Math.ceil(Math.log10(Math.max(...sizes, 1e-9))))
    const y = size => upper.bottom - (upper.bottom - upper.top) * (Math.log10(size) - from) / (to - from)
    const share = value => lower.bottom - (lower.bottom - lower.top) * value
    const every = Math.ceil((to - from) / 6)
    const powers = Array.from({ length: to - from + 1 }, (_, n) => from + n).filter(power => (power - from) % every === 0)

    const line = (y, words) =>
      `<path class="grid" d="M${left} ${y}H${right}"/><text x="${left - .4 * em}" y="${y}" dy=".32em" text-anchor="end">${words}</text>`
    const marks = [
      ...powers.map(power => line(y(10 ** power), `10<tspan dy="-.45em" font-size=".7em">${String(power).replace("-", "−")}</tspan>`)),
      ...[0, .5, 1].map(value => line(share(value), `${100 * value} %`)),
      `<text x="${(left + right) / 2}" y="${height - .2 * em}" text-anchor="middle">layer, in the order of the forward pass</text>`,
    ]
    const bar = Math.max(1, .8 * step), dot = Math.min(3, Math.max(1.3, step / 3)), diamond = Math.min(4, Math.max(1.8, step / 2))
    const side = Math.min(6, Math.max(3, step))
    let pen = "M", way = ""
    data.layers.forEach(({ mean, deviation, zeros, dead, channels }, number) => {
      const at = x(number)
      if (zeros) marks.push(`<path class="zeros" d="M${at - bar / 2} ${share(zeros)}h${bar}V${lower.bottom}h${-bar}z"/>`)
      if (dead) marks.push(`<path class="dead" d="M${at - side / 2} ${share(dead / channels) - side / 2}h${side}v${side}h${-side}z"/>`)
      if (mean) marks.push(`<path class="mean" d="M${at} ${y(Math.abs(mean)) - diamond}l${diamond} ${diamond}l${-diamond} ${diamond}l${-diamond} ${-diamond}z"/>`)
      if (deviation) {
        marks.push(`<circle class="spread" cx="${at}" cy="${y(deviation)}" r="${dot}"/>`)
        way += `${pen}${at} ${y(deviation)}`
        pen = "L"
      } else {
        marks.push(`<path class="still" d="M${at - 4} ${upper.bottom - 4}l8 8m0-8l-8 8"/>`)
        pen = "M"
      }
    })
    const upright = kind => `<path class="${kind}" visibility="hidden" d="M0 ${upper.top}V${lower.bottom}"/>`
    chart.innerHTML =
      `<svg aria-hidden="true"><path class="spread" d="${way}"/>${marks.join("")}${upright("pointed")}${upright("mark")}</svg>`
    for (const kind of ["still", "dead"]) root.querySelector(`li.${kind}`).hidden = !chart.querySelector(`svg .${kind}`)
    const [red, green, blue] = getComputedStyle(chart).color.match(/[\d.]+/g).map(Number)
    root.querySelectorAll("ul, .chart").forEach(part => part.classList.toggle("dark", red + green + blue > 382))
    chart.setAttribute("aria-valuemin", 1)
    chart.setAttribute("aria-valuemax", data.layers.length)
    drawn = { left, step, x }
    place("mark", selected)
  }

  function place(kind, number) {
    const upright = chart.querySelector(`.${kind}`)
    if (!upright) return
    upright.setAttribute("visibility", number === null ? "hidden" : "visible")
    if (number !== null) upright.setAttribute("transform", `translate(${drawn.x(number)})`)
  }

  function select(path) {
    const found = data.layers?.findIndex(layer => layer.path === path) ?? -1
    selected = found < 0 ? null : found
    place("mark", selected)
    tell()
    if (selected === null) return
    chart.setAttribute("aria-valuenow", selected + 1)
    chart.setAttribute("aria-valuetext", said.textContent)
  }

  function tell() {
    const number = pointed ?? selected
    if (number === null) { said.textContent = "Select a layer to read its numbers."; return }
    const { path, what, mean, deviation, low, high, zeros, dead, channels } = data.layers[number]
    const name = document.createElement("strong")
    name.textContent = path
    const numbers = `mean ${written(mean)}, standard deviation ${written(deviation)}, from ${written(low)} to ${written(high)}`
    said.replaceChildren(name, ` (${what}): ${numbers}; ${(100 * zeros).toFixed(1)}\u00a0% zeros, ${dead} of ${channels} channels dead.`)
  }

  function point(number) {
    if (number === pointed) return
    pointed = number
    place("pointed", number)
    tell()
  }

  function pick(number, after = 0) {
    clearTimeout(clock)
    const { path } = data.layers[number]
    select(path)
    const send = () => dispatchEvent(new CustomEvent("cnnviz:pick", { detail: { name: data.selection, pick: path } }))
    if (after) clock = setTimeout(send, after)
    else send()
  }

  const under = event => {
    const number = Math.floor((event.clientX - chart.getBoundingClientRect().left - drawn.left) / drawn.step)
    return Math.min(data.layers.length - 1, Math.max(0, number))
  }
  chart.onpointermove = event => { if (drawn && event.pointerType === "mouse") point(under(event)) }
  chart.onpointerleave = () => point(null)
  chart.onclick = event => { if (drawn) pick(under(event)) }
  chart.onkeydown = event => {
    if (!drawn || event.ctrlKey || event.metaKey || event.altKey) return
    const here = selected ?? 0, last = data.layers.length - 1
    const to = { ArrowRight: here + 1, ArrowUp: here + 1, ArrowLeft: here - 1, ArrowDown: here - 1, Home: 0, End: last }[event.key]
    if (to === undefined) return
    event.preventDefault()
    if (to >= 0 && to <= last) pick(to, SETTLED)
  }

  const hear = ({ detail }) => { if (detail.name === data.selection) select(detail.layer ?? detail.pick) }
  const observer = new ResizeObserver(draw)
  observer.observe(chart)
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

const written = value => String(value).replace("-", "−")
