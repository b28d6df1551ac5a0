// One canvas as large as the visible part; scrolling redraws it, so that 2,048 channels cost what 40 do.

const GAP = 5, PAD = 8, BAND = 4
const SHEET = 800  // px that all channels have on paper, where nothing scrolls
// Okabe and Ito's set, told apart by colour-blind readers too, and seen on light and dark pages
const ARMS = ["#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#d55e00", "#0072b2", "#999999"]
const views = new WeakMap()

export default function ({ data, parentElement, setTriggerValue }) {
  let view = views.get(parentElement)
  if (!view) views.set(parentElement, (view = create(parentElement)))
  view.pick = channel => setTriggerValue("pick", channel)
  view.show(lastOf(unpacked(data)))
  return () => { view.destroy(); views.delete(parentElement) }
}

function create(root) {
  const scroll = root.querySelector(".scroll"), space = root.querySelector(".space")
  const canvas = root.querySelector("canvas"), legend = root.querySelector(".legend"), tip = root.querySelector(".tip")
  const tile = document.createElement("canvas"), named = root.querySelector(".arms")
  const view = { pick: () => {}, show, destroy }
  let data, pixels, plan, type, label, shown = "", selected = null, whole = false

  function show(next) {
    data = next
    // what is drawn changed, and not just which channel is selected: start at the top again
    const name = `${data.name} ${data.channels} ${data.height} ${data.width} ${data.order.length}`
    if (name !== shown) scroll.scrollTop = 0
    shown = name
    const colours = data.colours
    pixels = new Uint32Array(256)
    for (let i = 0; i < 256; i++)
      pixels[i] = (255 << 24 | colours[3 * i + 2] << 16 | colours[3 * i + 1] << 8 | colours[3 * i]) >>> 0
    scroll.setAttribute("aria-label", `${data.channels} ${data.what} of ${data.name}; arrow keys and Enter choose one`)
    data.places = []
    data.order.forEach((channel, place) => { data.places[channel] = place })
    data.gone = new Set(data.dead)
    drawLegend(colours)
    nameArms()
    layOut()
    selected = null
    hear({ detail: window.cnnvizSelected?.[data.selection] })
    draw()
  }

  // which channel is selected comes with the selection: the maps needn't be sent again for it
  function hear({ detail }) {
    if (!data || !detail || detail.name !== data.selection || detail.layer !== data.layer) return
    if (selected === detail.channel) return
    selected = detail.channel
    if (selected != null) reveal(selected)
    draw()
  }

  const armOf = channel => data.arms.findIndex(arm => arm.first <= channel && channel <= arm.last)

  function nameArms() {
    named.replaceChildren(...data.arms.map((arm, number) => {
      const item = document.createElement("span"), colour = document.createElement("i")
      colour.style.background = ARMS[number % ARMS.length]
      item.append(colour, `${arm.name}: ${arm.first === arm.last ? arm.first : `${arm.first}–${arm.last}`}`)
      return item
    }))
  }

  function layOut() {
    type = parseFloat(getComputedStyle(document.documentElement).fontSize) * 11 / 16
    label = Math.ceil(type * 1.2) + (data.arms.length ? BAND : 0)
    const width = Math.max(120, scroll.clientWidth - 2 * PAD)
    const side = Math.max(data.height, data.width)
    let wanted = data.channels === 1 ? Math.min(width, 448)
      : data.channels > 600 ? 40 : data.channels <= 16 ? Math.min(width, data.channels <= 6 ? 140 : 92) : Math.min(112, Math.max(56, side))
    plan = planned(wanted, width, side)
    while (whole && plan.height > SHEET && wanted > 24) plan = planned(wanted *= .9, width, side)
    scroll.style.maxHeight = whole ? `${SHEET}px` : ""
    space.style.height = `${plan.height}px`
    const ratio = window.devicePixelRatio || 1
    const visible = Math.min(plan.height, Math.max(scroll.clientHeight, 1))
    canvas.style.width = `${scroll.clientWidth}px`; canvas.style.height = `${visible}px`
    canvas.width = Math.round(scroll.clientWidth * ratio); canvas.height = Math.round(visible * ratio)
  }

  function planned(wanted, width, side) {
    const columns = Math.min(data.channels, Math.max(1, Math.floor((width + GAP) / (wanted + GAP))))
    const across = Math.min((width + GAP) / columns - GAP, wanted * 1.3)
    const tileWidth = across * data.width / side, tileHeight = across * data.height / side
    const rows = Math.ceil(data.channels / columns), pitch = tileHeight + label + GAP
    return { columns, rows, tileWidth, tileHeight, across, pitch, height: rows * pitch + 2 * PAD - GAP }
  }

  const channelAt = place => data.order.length ? data.order[place] : place
  const placeOf = channel => data.order.length ? data.places[channel] : channel

  function corner(place) {
    const column = place % plan.columns, row = Math.floor(place / plan.columns)
    return [PAD + column * (plan.across + GAP), PAD + row * plan.pitch]
  }

  function draw() {
    if (!plan) return
    const style = getComputedStyle(root.host || root), ratio = window.devicePixelRatio || 1
    const context = canvas.getContext("2d")
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    context.clearRect(0, 0, canvas.width, canvas.height)
    context.imageSmoothingEnabled = false
    context.font = `${type}px sans-serif`
    context.fillStyle = style.getPropertyValue("--st-text-color") || "#444"
    context.strokeStyle = style.getPropertyValue("--st-primary-color") || "#f44"
    const top = scroll.scrollTop, first = Math.max(0, Math.floor((top - PAD) / plan.pitch))
    const last = Math.min(plan.rows - 1, Math.floor((top + canvas.height / ratio) / plan.pitch))
    const area = data.height * data.width
    tile.width = data.width; tile.height = data.height
    const small = tile.getContext("2d"), image = small.createImageData(data.width, data.height)
    const dots = new Uint32Array(image.data.buffer)
    const text = context.fillStyle
    for (let place = first * plan.columns; place < Math.min(data.channels, (last + 1) * plan.columns); place++) {
      const channel = channelAt(place), arm = armOf(channel), gone = data.gone.has(channel)
      const [x, absolute] = corner(place), y = absolute - top, start = channel * area * data.planes
      for (let i = 0; i < area; i++)
        dots[i] = data.planes === 1 ? pixels[data.values[start + i]] : rgb(start + i, area)
      small.putImageData(image, 0, 0)
      const words = gone ? `${channel} dead` : channel
      if (data.channels > 1) context.fillText(words, x, y + label - 4 - (data.arms.length ? BAND : 0), plan.across)
      if (arm >= 0) {
        context.fillStyle = ARMS[arm % ARMS.length]
        context.fillRect(x, y + label - BAND, plan.tileWidth, BAND)
        context.fillStyle = text
      }
      context.drawImage(tile, x, y + label, plan.tileWidth, plan.tileHeight)
      if (gone) cross(context, x, y + label)
      if (channel === selected) {
        context.lineWidth = 3
        context.strokeRect(x - 2, y + label - 2, plan.tileWidth + 4, plan.tileHeight + 4)
      }
    }
  }

  const rgb = (n, area) =>
    (255 << 24 | data.values[n + 2 * area] << 16 | data.values[n + area] << 8 | data.values[n]) >>> 0

  // two lines of two colours, which are seen on any map
  function cross(context, x, y) {
    const { tileWidth: width, tileHeight: height } = plan, stroke = context.strokeStyle
    for (const [colour, thickness] of [["#000", 3], ["#fff", 1.4]]) {
      context.strokeStyle = colour; context.lineWidth = thickness
      context.beginPath()
      context.moveTo(x, y); context.lineTo(x + width, y + height)
      context.moveTo(x + width, y); context.lineTo(x, y + height)
      context.stroke()
    }
    context.strokeStyle = stroke
  }

  function drawLegend(colours) {
    const stops = []
    for (let i = 0; i < 256; i += 15) stops.push(`rgb(${colours[3 * i]} ${colours[3 * i + 1]} ${colours[3 * i + 2]})`)
    const bar = document.createElement("span")
    bar.className = "bar"
    bar.style.background = `linear-gradient(to right, ${stops.join(",")})`
    const own = data.low.length > 1
    const reach = { network: "over the network", layer: "over the layer" }[data.scale] ?? ""
    const title = Object.assign(document.createElement("b"), { textContent: data.title })
    if (data.planes === 3) {
      legend.replaceChildren(`Red, green and blue; mid-grey is 0, the brightest ${number(data.high[0])}`)
      return
    }
    legend.replaceChildren(...data.title ? [title] : [], ...own ? ["each channel's lowest", bar, "its highest"]
      : [number(data.low[0]), bar, `${number(data.high[0])} ${data.channels > 1 ? reach : ""}`])
  }

  function at(event) {
    const box = canvas.getBoundingClientRect()
    const x = event.clientX - box.left - PAD, y = event.clientY - box.top + scroll.scrollTop - PAD
    const column = Math.floor(x / (plan.across + GAP)), row = Math.floor(y / plan.pitch)
    const place = row * plan.columns + column
    if (x < 0 || y < 0 || column >= plan.columns || place >= data.channels) return null
    const channel = channelAt(place)
    const u = Math.floor((x - column * (plan.across + GAP)) / plan.tileWidth * data.width)
    const v = Math.floor((y - row * plan.pitch - label) / plan.tileHeight * data.height)
    return { channel, inside: u >= 0 && u < data.width && v >= 0 && v < data.height, u, v }
  }

  function reveal(channel) {
    const y = corner(placeOf(channel))[1]
    if (y < scroll.scrollTop) scroll.scrollTop = y - PAD
    else if (y + plan.pitch > scroll.scrollTop + scroll.clientHeight) scroll.scrollTop = y + plan.pitch - scroll.clientHeight
  }

  canvas.onmousemove = event => {
    const spot = at(event)
    if (!spot?.inside) { tip.textContent = ""; return }
    const low = data.low[spot.channel] ?? data.low[0], high = data.high[spot.channel] ?? data.high[0]
    const arm = data.arms[armOf(spot.channel)], many = data.shrunk > 1
    const along = (what, place) => many ? `${what}s ${place * data.shrunk}–${(place + 1) * data.shrunk - 1}` : `${what} ${place}`
    const where = `channel ${spot.channel}${arm ? ` (${arm.name})` : ""}, ${along("row", spot.v)}, ${along("column", spot.u)}`
    const dead = data.gone.has(spot.channel) ? " everywhere: it is dead" : ""
    const values = Array.from({ length: data.planes }, (_, plane) => {
      const row = (spot.channel * data.planes + plane) * data.height + spot.v
      return number(low + data.values[row * data.width + spot.u] / 255 * (high - low))
    })
    tip.textContent = `${where}: ${many ? "mean " : ""}≈ ${values.join(", ")}${dead}`
  }
  canvas.onmouseleave = () => { tip.textContent = "" }
  canvas.onclick = event => { const spot = at(event); if (spot) view.pick(spot.channel) }
  scroll.onscroll = draw
  scroll.onkeydown = event => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -plan.columns, ArrowDown: plan.columns }[event.key]
    if (event.key === "Enter" && selected != null) view.pick(selected)
    if (!step) return
    event.preventDefault()
    const place = selected == null ? (step > 0 ? 0 : data.channels - 1) : placeOf(selected) + step
    selected = channelAt(Math.min(data.channels - 1, Math.max(0, place)))
    tip.textContent = `channel ${selected}: Enter chooses it`
    reveal(selected); draw()
  }
  const again = () => { if (data) { layOut(); draw() } }
  const onPaper = () => { whole = true; again() }
  const onScreen = () => { whole = false; again() }
  const observer = new ResizeObserver(again)
  observer.observe(scroll)
  const turned = () => { const last = data && lastOf(data); if (last !== data) show(last) }
  const heard = { "cnnviz:selected": hear, "cnnviz:turned": turned, beforeprint: onPaper, afterprint: onScreen }
  for (const [event, done] of Object.entries(heard)) addEventListener(event, done)
  function destroy() {
    observer.disconnect()
    for (const [event, done] of Object.entries(heard)) removeEventListener(event, done)
  }
  return view
}

// Where knobs have been turned further than Python knows of, what the browser has been answered since.
function lastOf(data) {
  const last = window.cnnvizTurned?.[data.of], maps = last?.maps[data.place]
  return maps && last.turn > data.turn ? { ...unpacked(Uint8Array.from(atob(maps), sign => sign.charCodeAt(0))), turn: last.turn } : data
}

// the message of __init__.py: length of the head, head, 256 colours, values
function unpacked(message) {
  const bytes = message instanceof Uint8Array ? message : new Uint8Array(message)
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true), colours = 4 + length
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, colours)))
  return { ...head, colours: bytes.subarray(colours, colours + 768), values: bytes.subarray(colours + 768) }
}

const number = value => Math.abs(value) >= 1e4 || (value && Math.abs(value) < 1e-3) ? value.toExponential(2) : Number(value.toPrecision(3)).toString()
