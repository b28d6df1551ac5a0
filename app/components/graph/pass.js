// A forward pass, step by step: its clock, and the tensor that it has got, drawn as a block.

const PACE = 1000  // ms a step
const MORPH = 450  // ms from one block to the next

function createPass(frame, { go, pick, changed }) {
  const board = frame.querySelector(".tensor"), said = frame.querySelector(".said")
  const [block, shape, name, run] = ["svg", ".shape", ".name", ".run"].map(part => board.querySelector(part))
  let steps = [], at = -1, clock = 0, on = false
  let drawn = null, frames = 0  // the block as it is

  function take(next) {
    stop(false)
    steps = next
    at = -1
  }

  // --- the clock

  const next = () => steps.findIndex((step, number) => number > at && step.stops)

  function play() {
    if (!on || next() < 0) at = -1
    if (!on) frame.scrollIntoView({ block: "nearest", behavior: calm.matches ? "instant" : "smooth" })
    on = true
    tick()
  }

  function tick() {
    at = next()
    clock = 0
    go(steps[at].node)
    clock = setTimeout(tick, PACE)
    if (next() < 0) pause()
    changed()
  }

  function halt() {
    clearTimeout(clock)
    clock = 0
    changed()
  }

  // what it has come to is picked, as by a click
  function pause() {
    if (!clock) return
    halt()
    pick(steps[at].node)
  }

  function stop(picking = true) {
    if (!on) return
    on = false
    if (picking) pause()
    halt()
    board.hidden = true
    frame.classList.remove("stepping")
    said.textContent = ""
    drawn = null
  }

  // --- the board: what is lit is what it shows

  function show(node, element) {
    const number = steps.findIndex(step => step.node === node), step = steps[number]
    if (!on || !step) return
    at = number
    board.hidden = false
    frame.classList.add("stepping")
    shape.textContent = step.shape ? step.shape.join(" × ") || "a number" : ""
    name.replaceChildren(Object.assign(document.createElement("b"), { textContent: node }), ` ${step.title}`)
    run.textContent = step.run
    said.textContent = [node, step.title, shape.textContent, step.run].filter(Boolean).join(", ")
    block.style.display = step.shape ? "" : "none"
    if (!step.shape) return
    const face = element.querySelector("path, polygon, ellipse")
    for (const paint of ["fill", "stroke"]) block.setAttribute(paint, face.getAttribute(paint))
    morph(sizesOf(step.shape))
  }

  // In the drawing's units, by the square root of what it is in the widest and the deepest tensor of the network;
  // a vector is a bar.
  function sizesOf(shape) {
    const most = (dims, count) => Math.max(1, ...steps.filter(step => step.shape?.length === dims).flatMap(step => count(step.shape)))
    const share = (part, whole) => Math.sqrt(part / whole)
    if (shape.length < 2) return { w: 8 + 92 * share(shape[0] ?? 1, most(1, ([size]) => size)), h: 10, d: 8 }
    const [deep, high, wide] = shape.length > 2 ? shape.slice(-3) : [1, ...shape]
    const side = Math.max(most(3, ([, ...sides]) => sides), most(2, sides => sides))
    return { w: 3 + 57 * share(wide, side), h: 3 + 57 * share(high, side), d: 2 + 62 * share(deep, most(3, ([depth]) => depth)) }
  }

  function morph(sizes) {
    cancelAnimationFrame(frames)
    const from = drawn ?? sizes, began = performance.now()
    const paint = now => {
      const part = calm.matches ? 1 : Math.min(1, Math.max(0, (now - began) / MORPH)), ease = 1 - (1 - part) ** 3
      drawn = Object.fromEntries(Object.keys(sizes).map(key => [key, from[key] + ease * (sizes[key] - from[key])]))
      draw(drawn)
      if (part < 1) frames = requestAnimationFrame(paint)
    }
    paint(began)
  }

  // a block seen from its front, above and the right
  function draw({ w, h, d }) {
    const x = d * .62, y = d * .45, left = (130 - w - x) / 2, top = (96 - h - y) / 2 + y, right = left + w
    const faces = [
      `M${left} ${top}h${w}v${h}h${-w}z`,
      `M${left} ${top}l${x} ${-y}h${w}l${-x} ${y}z`,
      `M${right} ${top}l${x} ${-y}v${h}l${-x} ${y}z`,
    ]
    block.querySelectorAll("path").forEach((path, number) => path.setAttribute("d", faces[number]))
  }

  return {
    take, show, pause, stop,
    toggle: () => clock ? pause() : play(),
    get on() { return on },
    get playing() { return Boolean(clock) },
    get some() { return steps.length > 0 },
    end: () => { clearTimeout(clock); cancelAnimationFrame(frames) },
  }
}
