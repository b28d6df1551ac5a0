// Values over a picture: which place is chosen comes with the selection, how much they cover is the reader's.

const LARGEST = 30  // rem, along the longer side
const SETTLED = 150  // ms without another key before Python is asked about a place
const UNANSWERED = 10e3  // ms in which older answers don't move what was chosen last
const HOT = [255, 69, 0]
const views = new WeakMap()
let blend = 70  // stays as it is from one channel to the next

export default function ({ data, parentElement, setTriggerValue }) {
  let view = views.get(parentElement)
  if (!view) views.set(parentElement, (view = create(parentElement)))
  view.send = place => setTriggerValue("place", place)
  view.show(unpacked(data))
  return () => { view.end(); views.delete(parentElement) }
}

function create(root) {
  const [legend, stage, canvas, slider, what, tip] =
    [".legend", ".stage", "canvas", "input", ".what", ".tip"].map(part => root.querySelector(part))
  const picture = new Image(), view = { send: () => {}, show, end }
  let data, tile, heat, plan, place = null, window_ = null, asked = null, clock = 0

  function show(next) {
    const moved = !data || data.layer !== next.layer
    data = next
    if (moved) [place, window_, asked] = [null, null, null]
    tile = painted(data.height, data.width, n => {
      const span = data.high - data.low || 1, value = data.values[n]
      const step = Math.min(255, Math.max(0, Math.round((Number.isNaN(value) ? 0 : value - data.low) / span * 255)))
      return [data.colours[3 * step], data.colours[3 * step + 1], data.colours[3 * step + 2], data.faint ? step : 255]
    })
    heat = data.heat && painted(...data.heat, n => [...HOT, Math.round(255 * Math.sqrt(data.hot[n] / 255))])
    stage.classList.toggle("chosen", data.chosen)
    stage.setAttribute("aria-label", data.name + (data.chosen ? "; arrow keys choose a place" : ""))
    what.textContent = heat ? "effective field" : data.faint ? "heat" : "map"
    slider.value = blend
    drawLegend()
    seePicture()
    hear({ detail: window.cnnvizSelected?.[data.selection] })
    draw()
  }

  function seePicture() {
    const source = window.cnnvizPictures?.[data.selection]
    if (source && picture.src !== source) picture.src = source
  }

  // what is chosen, from Python
  function hear({ detail }) {
    if (!data || !detail || detail.name !== data.selection || detail.layer !== data.layer) return
    if (asked && String(asked) !== String(detail.place)) return
    asked = null
    place = detail.place ?? null
    window_ = detail.place ? detail.window : null
    if (place) say(...place)
    draw()
  }

  function choose(row, column, at_once) {
    place = [row, column]
    window_ = null
    asked = place
    say(row, column)
    draw()
    clearTimeout(clock)
    const [send, chosen] = [view.send, place]
    clock = setTimeout(() => {
      send(chosen)
      clock = setTimeout(() => { asked = null; hear({ detail: window.cnnvizSelected?.[data.selection] }) }, UNANSWERED)
    }, at_once ? 0 : SETTLED)
  }

  function layOut() {
    const [height, width] = data.size, [top, left, bottom, right] = data.extent
    const box = [Math.min(0, top), Math.min(0, left), Math.max(height, bottom), Math.max(width, right)]
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize)
    const room = Math.max(80, root.host?.clientWidth ?? root.clientWidth ?? 300)
    const across = box[3] - box[1], down = box[2] - box[0]
    const scale = Math.min(room / across, LARGEST * rem / Math.max(across, down))
    plan = { top: box[0], left: box[1], width: across * scale, height: down * scale, scale }
    const ratio = window.devicePixelRatio || 1
    canvas.style.width = `${plan.width}px`
    canvas.width = Math.round(plan.width * ratio); canvas.height = Math.round(plan.height * ratio)
  }

  // from pixels of the input to those of the canvas
  const box = ([top, left, bottom, right]) =>
    [(left - plan.left) * plan.scale, (top - plan.top) * plan.scale, (right - left) * plan.scale, (bottom - top) * plan.scale]

  function draw() {
    if (!data) return
    layOut()
    const context = canvas.getContext("2d"), ratio = window.devicePixelRatio || 1
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    context.clearRect(0, 0, plan.width, plan.height)
    const all = [0, 0, ...data.size]
    if (picture.complete && picture.naturalWidth) context.drawImage(picture, ...box(all))
    context.imageSmoothingEnabled = Boolean(heat) || data.faint
    context.globalAlpha = blend / 100
    context.drawImage(heat || tile, ...box(heat ? all : data.extent))
    context.globalAlpha = 1
    if (window_) outline(context, box(window_), 2)
    if (place) outline(context, box(unit(...place)), 1.5)
  }

  // white within black: seen on anything
  function outline(context, [x, y, width, height], thickness) {
    for (const [colour, more] of [["#000", 2], ["#fff", 0]]) {
      context.strokeStyle = colour
      context.lineWidth = thickness + more
      context.strokeRect(x, y, Math.max(width, 2), Math.max(height, 2))
    }
  }

  function unit(row, column) {
    const [top, left, bottom, right] = data.extent
    const tall = (bottom - top) / data.height, wide = (right - left) / data.width
    return [top + row * tall, left + column * wide, top + (row + 1) * tall, left + (column + 1) * wide]
  }

  function at(event) {
    const frame = canvas.getBoundingClientRect(), [x, y, width, height] = box(data.extent)
    const zoom = plan.width / frame.width
    const column = Math.floor(((event.clientX - frame.left) * zoom - x) / width * data.width)
    const row = Math.floor(((event.clientY - frame.top) * zoom - y) / height * data.height)
    return row >= 0 && row < data.height && column >= 0 && column < data.width ? [row, column] : null
  }

  function say(row, column) {
    tip.textContent = `row ${row}, column ${column}: ${number(data.values[row * data.width + column])}`
  }

  function drawLegend() {
    const bar = document.createElement("span"), stops = []
    for (let i = 0; i < 256; i += 15)
      stops.push(`rgb(${data.colours[3 * i]} ${data.colours[3 * i + 1]} ${data.colours[3 * i + 2]} / ${data.faint ? i / 255 : 1})`)
    bar.className = "bar"
    if (heat) {
      bar.style.background = `linear-gradient(to right, transparent, rgb(${HOT.join(" ")}))`
      legend.replaceChildren("no weight", bar, "the most")
      return
    }
    bar.style.background = `linear-gradient(to right, ${stops.join(",")})`
    legend.replaceChildren(number(data.low), bar, number(data.high))
  }

  canvas.onmousemove = event => { const spot = at(event); if (spot) say(...spot) }
  canvas.onmouseleave = () => { if (place) say(...place); else tip.textContent = "" }
  canvas.onclick = event => { const spot = data.chosen && at(event); if (spot) choose(...spot, true) }
  slider.oninput = () => { blend = Number(slider.value); draw() }
  stage.onkeydown = event => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key]
    if (!step || !data.chosen) return
    event.preventDefault()
    const from = place ?? [data.height >> 1, data.width >> 1]
    const next = place ? [from[0] + step[0], from[1] + step[1]] : from
    choose(Math.min(data.height - 1, Math.max(0, next[0])), Math.min(data.width - 1, Math.max(0, next[1])))
  }
  const seen = ({ detail }) => { if (detail === data?.selection) seePicture() }
  picture.onload = draw
  addEventListener("cnnviz:selected", hear)
  addEventListener("cnnviz:picture", seen)
  const observer = new ResizeObserver(() => draw())
  observer.observe(root.host ?? root)

  function end() {
    clearTimeout(clock)
    observer.disconnect()
    removeEventListener("cnnviz:selected", hear)
    removeEventListener("cnnviz:picture", seen)
  }
  return view
}

function painted(height, width, colour) {
  const tile = document.createElement("canvas")
  tile.width = width; tile.height = height
  const context = tile.getContext("2d"), image = context.createImageData(width, height)
  for (let n = 0; n < height * width; n++) image.data.set(colour(n), 4 * n)
  context.putImageData(image, 0, 0)
  return tile
}

// the message of __init__.py: length of the head, head, 256 colours, values, heat
function unpacked(message) {
  const bytes = message instanceof Uint8Array ? message : new Uint8Array(message)
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true), colours = 4 + length
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, colours)))
  const values = colours + 768, hot = values + 4 * head.height * head.width
  return {
    ...head,
    colours: bytes.subarray(colours, values),
    values: new Float32Array(bytes.slice(values, hot).buffer),
    hot: bytes.subarray(hot),
  }
}

const number = value => Math.abs(value) >= 1e5 || (value && Math.abs(value) < 1e-4) ? value.toExponential(4) : Number(value.toPrecision(6)).toString()
