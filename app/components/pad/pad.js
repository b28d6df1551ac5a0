// Strokes, drawn as smooth lines; while one draws, the page gets them as a small grey PNG.

const SENT = 112       // pixels along a side of what is sent: four of MNIST's to one
const PEN = 1 / 12     // of the pad: about as thick, beside a digit, as MNIST's pens
const EVERY = 150      // ms between two pictures
const PATIENCE = 1000  // ms to wait for the page's answer before the next is sent anyway
const NEAR = .004      // of the pad: points closer than this are one

const views = new WeakMap()
// a pad that is closed, and opened again, holds what was drawn
const kept = (window.cnnvizDrawing ??= { strokes: [], number: 0, finished: false })

export default function ({ data, parentElement, setStateValue }) {
  let view = views.get(parentElement)
  const opened = !view
  if (opened) views.set(parentElement, (view = create(parentElement)))
  view.send = drawing => setStateValue("drawing", drawing)
  const lost = opened ? data.seen !== kept.number : view.seen && !data.seen
  view.seen = data.seen
  view.draw()  // in the page's colours, which may be others now
  if (lost && kept.strokes.length) view.tell(true)
  else if (kept.finished && data.seen === kept.number) view.finish()
  return () => { view.end(); views.delete(parentElement) }
}

function create(root) {
  const find = name => root.querySelector(name)
  const pad = find(".pad"), canvas = find("canvas"), undo = find(".undo"), clear = find(".clear")
  const small = Object.assign(document.createElement("canvas"), { width: SENT, height: SENT })
  const view = { send: () => {}, seen: 0, draw, tell, finish, end }
  let stroke = null, pointer = null, frame = 0, timer = 0, last = 0

  // --- drawing

  function draw() {
    pad.classList.toggle("drawn", kept.strokes.length > 0)
    undo.disabled = clear.disabled = !kept.strokes.length
    const side = Math.round(canvas.clientWidth * (window.devicePixelRatio || 1))
    if (!side) return
    if (canvas.width !== side) canvas.width = canvas.height = side
    const context = canvas.getContext("2d")
    context.clearRect(0, 0, side, side)
    lines(context, side, getComputedStyle(canvas).color)
  }

  function lines(context, side, colour) {
    context.strokeStyle = colour
    context.lineWidth = PEN * side
    context.lineCap = context.lineJoin = "round"
    for (const points of kept.strokes) {
      const [first, ...rest] = points.map(([x, y]) => [x * side, y * side])
      context.beginPath()
      context.moveTo(...first)
      // each point bends the line between the middles before and after it
      rest.forEach(([x, y], n) => {
        const [nextX, nextY] = rest[n + 1] ?? [x, y]
        context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2)
      })
      if (!rest.length) context.lineTo(...first)  // a dot
      context.stroke()
    }
  }

  const drawSoon = () => { cancelAnimationFrame(frame); frame = requestAnimationFrame(draw) }

  function place(event) {
    const box = canvas.getBoundingClientRect()
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]
  }

  canvas.onpointerdown = event => {
    if (pointer !== null || (event.pointerType === "mouse" && event.button !== 0)) return
    event.preventDefault()
    pointer = event.pointerId
    canvas.setPointerCapture(pointer)
    kept.strokes.push((stroke = [place(event)]))
    drawSoon()
    tellSoon()
  }
  canvas.onpointermove = event => {
    if (event.pointerId !== pointer) return
    const moves = event.getCoalescedEvents?.() ?? []
    for (const move of moves.length ? moves : [event]) {
      const [x, y] = place(move), [lastX, lastY] = stroke.at(-1)
      if (Math.hypot(x - lastX, y - lastY) >= NEAR) stroke.push([x, y])
    }
    drawSoon()
    tellSoon()
  }
  canvas.onpointerup = canvas.onpointercancel = event => {
    if (event.pointerId !== pointer) return
    pointer = stroke = null
    tell(true)
  }
  canvas.oncontextmenu = event => event.preventDefault()  // what a long press asks for
  undo.onclick = () => { kept.strokes.pop(); draw(); tell(true) }
  clear.onclick = () => { kept.strokes.length = 0; draw(); tell(true) }

  // --- telling the page

  function tell(finished) {
    clearTimeout(timer)
    timer = 0
    last = performance.now()
    kept.number += 1
    kept.finished = finished
    view.send({ png: picture(), number: kept.number })
  }

  function finish() {
    kept.finished = false
    window.dispatchEvent(new CustomEvent("cnnviz:drawn", { detail: kept.number }))
  }

  function tellSoon() {
    if (timer) return
    const wait = () => {
      const since = performance.now() - last
      if (view.seen !== kept.number && since < PATIENCE) timer = setTimeout(wait, 30)
      else tell(false)
    }
    timer = setTimeout(wait, Math.max(0, last + EVERY - performance.now()))
  }

  function picture() {
    if (!kept.strokes.length) return ""
    const context = small.getContext("2d")
    context.fillStyle = "black"
    context.fillRect(0, 0, SENT, SENT)
    lines(context, SENT, "white")
    return small.toDataURL("image/png").split(",")[1]
  }

  const observer = new ResizeObserver(draw)
  observer.observe(canvas)

  function end() {
    observer.disconnect()
    cancelAnimationFrame(frame)
    clearTimeout(timer)
  }

  return view
}
