// Windows that grow layer by layer. A position between two layers shows the one fading into the other.

const PACE = 900  // ms a layer
const calm = window.matchMedia("(prefers-reduced-motion: reduce)")
const views = new WeakMap()

export default function ({ data, parentElement }) {
  let view = views.get(parentElement)
  if (!view) views.set(parentElement, (view = create(parentElement)))
  view.show(data.chains)
  return () => { view.end(); views.delete(parentElement) }
}

function create(root) {
  const [row, button, slider, said] = [".chains", "button", "input", "output"].map(part => root.querySelector(part))
  const sized = new ResizeObserver(() => draw())
  let chains = [], figures = [], most = 0, at = 0, frame = 0
  sized.observe(row)

  function show(next) {
    if (JSON.stringify(next) === JSON.stringify(chains)) return draw()  // the page's colours may be others
    halt()
    chains = next
    most = Math.max(...chains.map(chain => chain.steps.length - 1))
    figures = chains.map(chain => figureOf(chain.name))
    row.replaceChildren(...figures.map(figure => figure.whole))
    slider.max = most
    go(most)
  }

  function go(position) {
    at = Math.min(most, Math.max(0, position))
    slider.value = at
    const layer = Math.floor(at + 1e-9)
    said.textContent = `${layer} of ${most} layer${most > 1 ? "s" : ""}`
    slider.setAttribute("aria-valuetext", said.textContent)
    chains.forEach((chain, n) => {
      const step = chain.steps[Math.min(layer, chain.steps.length - 1)]
      figures[n].said.textContent = step.size.join(" × ")
      figures[n].canvas.setAttribute("aria-label", `${chain.name}: ${step.said}`)
    })
    draw()
  }

  function draw() {
    const ink = getComputedStyle(root.host ?? root).color, layer = Math.floor(at + 1e-9), part = at - layer
    chains.forEach((chain, n) => {
      const { canvas } = figures[n], last = chain.steps.length - 1
      const [now, next] = [layer, layer + 1].map(step => chain.steps[Math.min(step, last)])
      const width = canvas.clientWidth, ratio = window.devicePixelRatio || 1
      if (!width) return
      canvas.width = canvas.height = Math.round(width * ratio)
      const context = canvas.getContext("2d"), cell = canvas.width / chain.side
      const gap = cell > 5 * ratio ? ratio : 0
      context.fillStyle = chain.colour
      for (const [step, share] of now === next ? [[now, 1]] : [[now, 1 - part], [next, part]]) {
        const [top, left] = step.size.map(size => (chain.side - size) / 2)
        for (const [y, x, strength] of step.cells) {
          context.globalAlpha = share * (.25 + .75 * strength)
          context.fillRect((left + x) * cell, (top + y) * cell, cell - gap, cell - gap)
        }
      }
      const [height, across] = now.size.map((size, axis) => (size + part * (next.size[axis] - size)) * cell)
      context.globalAlpha = 1
      context.strokeStyle = ink
      context.lineWidth = 1.5 * ratio
      const edge = context.lineWidth / 2
      context.strokeRect((canvas.width - across) / 2 + edge, (canvas.width - height) / 2 + edge,
        across - 2 * edge, height - 2 * edge)
    })
  }

  // --- the clock

  function play() {
    if (at >= most) go(0)
    let before = performance.now(), begun = before, from = Math.floor(at)
    const tick = now => {
      go(calm.matches ? from + Math.floor((now - begun) / PACE) : at + (now - before) / PACE)
      before = now
      if (at >= most) halt()
      else frame = requestAnimationFrame(tick)
    }
    frame = requestAnimationFrame(tick)
    name()
  }

  function halt() {
    cancelAnimationFrame(frame)
    frame = 0
    name()
  }

  function name() {
    button.textContent = frame ? "❚❚" : "▶"
    button.setAttribute("aria-label", frame ? "Pause" : "Let the window grow")
  }

  button.onclick = () => frame ? halt() : play()
  slider.oninput = () => { halt(); go(+slider.value) }
  slider.onkeydown = event => {  // by whole layers
    const way = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key]
    if (!way) return
    event.preventDefault()
    halt()
    go((way > 0 ? Math.floor(at + 1e-9) : Math.ceil(at - 1e-9)) + way)
  }
  return { show, end: () => { halt(); sized.disconnect() } }
}

function figureOf(name) {
  const [whole, caption, canvas, said] = ["figure", "figcaption", "canvas", "div"].map(tag => document.createElement(tag))
  caption.textContent = name
  canvas.setAttribute("role", "img")
  said.className = "said"
  whole.append(caption, canvas, said)
  return { whole, canvas, said }
}
