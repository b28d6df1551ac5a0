// The layer graph in its viewport. What is picked is lit here and at once, and told by an event, as what is selected
// elsewhere is. drawing.js, viewport.js and pass.js stand before this file in one module.

const SETTLED = 250     // ms without a further arrow key, until the node stepped to is picked
const graphs = new WeakMap()

export default function ({ data, parentElement, setTriggerValue }) {
  let graph = graphs.get(parentElement)
  if (!graph) graphs.set(parentElement, (graph = createGraph(parentElement.querySelector(".frame"))))
  graph.show(lastOf(data), setTriggerValue)
  return () => { graph.end(); graphs.delete(parentElement) }
}

function createGraph(frame) {
  const view = frame.querySelector(".view"), tools = frame.querySelector(".tools"), tip = frame.querySelector(".tip")
  const colours = frame.appendChild(document.createElement("style"))
  const viewport = createViewport(view, frame.querySelector(".sheet"), { moved: hideTip, changed: label })
  const pass = createPass(frame, { go, pick, changed: label })
  let data = {}, drawing = null, send = () => {}
  let lit = null, led = new Set()
  let answered = null  // what is selected, as far as all know
  let asked = null, clock = 0  // what a key or a pass has come to, and isn't picked yet
  let trail = null  // the last step, so that the opposite key leads back
  let folding = null
  let unplaced = true  // whether the first view still waits for what is lit
  const placed = new Map()  // where a run's box stood when it was opened

  // --- a new drawing

  function show(next, trigger) {
    send = trigger
    const before = data
    data = next
    frame.classList.toggle("projector", Boolean(data.projector))
    frame.classList.toggle("dark", isDark(getComputedStyle(frame).backgroundColor))
    if (data.svg === before.svg && data.projector === before.projector && data.height === before.height) {
      label()
      return
    }
    const svg = new DOMParser().parseFromString(`<body>${data.svg}`, "text/html").querySelector("svg")
    const old = drawing
    if (pass.playing) forget()
    pass.take(data.steps ?? [])
    drawing = readDrawing(svg, data.runs ?? {})
    const same = old?.name === drawing.name && data.direction === before.direction && data.projector === before.projector
    const anchor = same && anchorOf(old), stood = same && rectangles(old)
    colours.textContent = darkColours(data.svg)
    describe()
    view.style.height = heightOf(svg)
    viewport.show(svg, data)
    lit = null
    led = new Set()
    if (!same) forget()
    light((asked ?? answered ?? window.cnnvizSelected?.[data.selection]?.node) || null)
    answered ??= lit
    if (same) {
      settle(anchor)
      transition(stood)
    } else open(drawing.nodes.get(lit)?.element)
  }

  function open(element) {
    unplaced = !element
    viewport.open(element)
  }

  // from left to right a network is low
  function heightOf(svg) {
    const low = svg.viewBox.baseVal.height * 4 / 3 * (data.projector ? 1.5 : 1.25) + PAD + TOOLS + 10
    return data.height ? `${data.height}px` : data.direction === "LR" ? `clamp(11rem, ${low}px, 34rem)` : ""
  }

  function describe() {
    const { svg, words, nodes, boxes } = drawing
    svg.setAttribute("role", "none")
    for (const [element, text] of words) {
      if (!element.classList.contains("node")) { element.setAttribute("aria-hidden", "true"); continue }
      element.setAttribute("role", "option")
      element.setAttribute("aria-selected", "false")
      const written = [...element.querySelectorAll("text")].map(line => line.textContent).join(" ")
      element.setAttribute("aria-label", `${written}, ${element.id}${runNote(drawing.runOf(element.id))}`)
      element.setAttribute("aria-description", text.replaceAll("\n", ", "))
    }
    for (const [path, box] of boxes) {
      box.classList.add("foldable")
      svg.querySelector("g").append(knob(path, box))
    }
    view.setAttribute("aria-orientation", data.direction === "LR" ? "horizontal" : "vertical")
  }

  function runNote(run) {
    if (!run) return ""
    const closed = isClosed(run)
    return `, in ${drawing.words.get(drawing.boxes.get(run)) ?? run}${closed ? ", folded" : ", unfolded"}`
  }

  const isClosed = run => !drawing.boxes.get(run)?.classList.contains("opened")

  // a button on the corner of a run's box: + opens, − folds
  function knob(path, box) {
    const shape = box.querySelector("path, polygon")
    const numbers = (shape.getAttribute("d") ?? shape.getAttribute("points")).match(/-?[\d.]+/g).map(Number)
    const x = Math.max(...numbers.filter((_, at) => at % 2 === 0)) - 16
    const y = Math.min(...numbers.filter((_, at) => at % 2 === 1))
    const made = document.createElementNS("http://www.w3.org/2000/svg", "g")
    made.id = `fold:${path}`
    made.classList.add("knob")
    made.dataset.run = path
    made.setAttribute("aria-hidden", "true")
    made.innerHTML = `<circle class="reach" cx="${x}" cy="${y}" r="15"/><circle class="face" cx="${x}" cy="${y}" r="7"/>` +
      `<path d="M${x - 3.5} ${y}h7${box.classList.contains("run") ? `M${x} ${y - 3.5}v7` : ""}"/>`
    drawing.words.set(made, `${box.classList.contains("run") ? "Unfold" : "Fold"} ${drawing.words.get(box)}`)
    return made
  }

  // --- what stays where it is when blocks unfold

  function anchorOf(old) {
    const box = folding && old.boxes.get(folding)
    if (box) {
      const place = viewport.placeOf(box), opens = box.classList.contains("run")
      if (opens) placed.set(folding, place)
      const away = place[1] < 0 || place[0] < -box.getBoundingClientRect().width || place[1] > view.clientHeight
      return [[box.id, !opens && away ? placed.get(folding) ?? [10, 10] : place]]
    }
    const [x, y] = [view.clientWidth / 2, view.clientHeight / 2]
    const far = node => {
      const [left, top] = viewport.placeOf(node.element)
      return node.id === lit ? -1 : Math.hypot(left - x, top - y)
    }
    return [...old.nodes.values()].filter(node => viewport.sees(node.element))
      .map(node => [far(node), [node.id, viewport.placeOf(node.element)]]).sort((a, b) => a[0] - b[0]).map(([, place]) => place)
  }

  function settle(anchors) {
    folding = null
    const [found, place] = anchors.map(([id, place]) => [byId(id), place]).find(([element]) => element) ?? []
    if (found) viewport.put(found, place)
  }

  const byId = id => drawing.svg.querySelector(`[id="${CSS.escape(id)}"]`)
  const movable = drawing => drawing.svg.querySelectorAll("g.node, g.edge, g.cluster, g.knob")
  const rectangles = drawing => new Map([...movable(drawing)].map(element => [element.id, element.getBoundingClientRect()]))

  // what was there moves to its new place, what is new fades in; only what can be seen
  function transition(stood) {
    if (calm.matches) return
    const frame = view.getBoundingClientRect(), scale = viewport.zoom * 4 / 3, timing = { duration: 260, easing: "ease-out" }
    const seen = box => box.bottom > frame.top && box.top < frame.bottom && box.right > frame.left && box.left < frame.right
    const now = [...movable(drawing)].map(element => [element, element.getBoundingClientRect(), stood.get(element.id)])
    for (const [element, box, old] of now) {
      if (!seen(box) && !(old && seen(old))) continue
      const kept = old && Math.abs(old.width - box.width) < 2 && Math.abs(old.height - box.height) < 2
      const x = kept ? (old.left - box.left) / scale : 0, y = kept ? (old.top - box.top) / scale : 0
      if (!kept) element.animate([{ opacity: 0 }, { opacity: 1 }], timing)
      else if (Math.hypot(x, y) > 1) element.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: "none" }], timing)
    }
  }

  // --- what is lit, and the path that leads to it

  function light(id) {
    const node = drawing?.nodes.get(id)
    if (node) pass.show(id, node.element)
    if (id === lit && node?.element.classList.contains("lit")) return
    const leading = node ? reach(node) : new Set()
    for (const { element } of led.difference?.(leading) ?? [...led].filter(item => !leading.has(item)))
      element.classList.remove("lead")
    for (const { element } of leading) element.classList.add("lead")
    led = leading
    const old = drawing?.nodes.get(lit)?.element
    old?.classList.remove("lit")
    old?.setAttribute("aria-selected", "false")
    lit = node ? id : null
    node?.element.classList.add("lit")
    node?.element.setAttribute("aria-selected", "true")
    view.classList.toggle("traced", Boolean(node))
    if (node) view.setAttribute("aria-activedescendant", id)
    else view.removeAttribute("aria-activedescendant")
    label()
  }

  // what is selected by now, unless a key or a pass has gone on since
  function onSelected({ detail }) {
    if (detail.name !== data.selection) return
    const elsewhere = detail.node !== answered
    answered = detail.node
    if (pass.playing && elsewhere) { pass.stop(false); forget() }
    if (asked !== null && answered !== asked) return
    forget()
    follow()
  }

  // picked in the table: shown before Python answers, where a node has its name
  function onPick({ detail }) {
    if (detail.name !== data.selection || detail.pick === answered || !drawing?.nodes.has(detail.pick)) return
    pass.stop(false)
    forget()
    answered = detail.pick
    follow()
  }

  function follow() {
    if (answered === lit) return
    const element = drawing?.nodes.get(answered)?.element
    if (element && unplaced) open(element)
    else if (element && !viewport.sees(element)) viewport.reveal(element, .4)
    light(answered)
  }

  // the next step of a pass: lit here alone, until it rests
  function go(id) {
    clearTimeout(clock)
    asked = id
    viewport.reveal(drawing.nodes.get(id).element, .4)
    light(id)
  }

  const forget = () => { clearTimeout(clock); asked = null }

  function pick(id, after = 0) {
    clearTimeout(clock)
    asked = id
    const tell = () => {
      [asked, answered] = [null, id]
      dispatchEvent(new CustomEvent("cnnviz:pick", { detail: { name: data.selection, pick: id } }))
    }
    if (after) clock = setTimeout(tell, after)
    else tell()  // first, as what follows takes a few milliseconds
    viewport.reveal(drawing.nodes.get(id).element, after ? .25 : 0)  // before lighting, which leaves much to be laid out
    light(id)
  }

  function fold(run) {
    if (!run) return
    pass.pause()
    folding = run
    send("fold", run)
  }

  // --- keys and buttons

  const KEYS = {
    TB: { ArrowDown: "after", ArrowUp: "before", ArrowRight: "higher", ArrowLeft: "lower" },
    LR: { ArrowRight: "after", ArrowLeft: "before", ArrowDown: "higher", ArrowUp: "lower" },
  }
  const BACK = { after: "before", before: "after", higher: "lower", lower: "higher" }

  function step(way) {
    const from = drawing.nodes.get(lit)
    const back = from && trail?.to === lit && trail.way === BACK[way] && drawing.nodes.get(trail.from)
    const to = !from ? first() : back || stepFrom(drawing, from, way, data.direction === "LR" ? "y" : "x")
    if (!to) return
    trail = { from: lit, to: to.id, way }
    stepTo(to)
  }

  const stepTo = node => pick(node.id, SETTLED)

  const first = () => [...drawing.nodes.values()].find(node => !node.before.length)
  const last = () => [...drawing.nodes.values()].findLast(node => !node.after.length)

  const DO = {
    play: () => pass.toggle(),
    in: () => viewport.zoomBy(1.25),
    out: () => viewport.zoomBy(1 / 1.25),
    fit: at => {
      const kind = viewport.fitted === "whole" ? "reading" : "whole"
      viewport.fit(kind, Array.isArray(at) ? at : undefined)
      const element = drawing.nodes.get(lit)?.element
      if (kind === "reading" && element && !Array.isArray(at)) viewport.reveal(element, .4, true)
    },
    fold: () => fold(drawing.runOf(lit ?? "")),
  }
  const SIGNS = { "+": "in", "=": "in", "-": "out", "−": "out", _: "out", 0: "fit", f: "fold", F: "fold" }

  frame.onkeydown = event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const { key } = event, inView = event.target === view
    const way = inView && KEYS[data.direction === "LR" ? "LR" : "TB"][key]
    if (way) { pass.pause(); step(way) }
    else if (inView && key === "Home") stepTo(first())
    else if (inView && key === "End") stepTo(last())
    else if (inView && key === " ") { if (pass.some) DO.play() }
    else if (inView && key === "Enter") { if (lit) pick(lit) }
    else if (key === "Escape") { hideTip(); if (pass.on) pass.stop(); else if (data.back) send("back", lit ?? "") }
    else if (SIGNS[key]) DO[SIGNS[key]]()
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  view.onclick = event => {
    hideTip()
    const node = event.target.closest("g.node"), run = foldedAt(event)
    pass.stop(!node)
    if (node) pick(node.id)
    else if (run) fold(run)
  }
  view.ondblclick = event => {
    if (!event.target.closest("g.node, g.knob") && !foldedAt(event)) DO.fit([event.clientX, event.clientY])
  }

  // a run is opened and folded by its knob, and by the strip of its box that its name is on
  function foldedAt(event) {
    const knob = event.target.closest("g.knob"), box = event.target.closest("g.cluster.foldable")
    if (knob) return knob.dataset.run
    return box && event.clientY - box.getBoundingClientRect().top < 24 * viewport.zoom * 4 / 3 ? pathOf(box) : null
  }

  tools.onclick = event => { DO[event.target.closest("button")?.dataset.do]?.() }

  function label() {
    const named = (action, text, key) => {
      const button = tools.querySelector(`[data-do=${action}]`)
      button.setAttribute("aria-label", text)
      button.title = `${text} (${key})`
      return button
    }
    named("fit", viewport.fitted === "whole" ? "Fit to read" : "Show the whole network", 0)
    named("play", pass.playing ? "Pause the forward pass" : "Play the forward pass", "Space").hidden = !pass.some
    frame.classList.toggle("playing", pass.playing)
    const run = drawing?.runOf(lit ?? ""), closed = run && isClosed(run)
    const button = named("fold", `${closed ? "Unfold" : "Fold"} ${run ?? "equal blocks"}`, "f")
    button.hidden = !run
    button.classList.toggle("open", !closed)
  }

  // --- a tip instead of the browser's slow one

  let tipFor = null, tipClock = 0

  view.onpointerover = event => {
    const element = event.pointerType !== "touch" && event.target.closest("g.node, g.edge, g.knob")
    if (element === tipFor) return
    hideTip()
    if (!element || event.buttons) return
    tipFor = element
    const { clientX, clientY } = event
    tipClock = setTimeout(() => showTip(drawing.words.get(element), clientX, clientY), 120)
  }
  view.onpointerleave = hideTip

  function showTip(text, x, y) {
    if (!text) return
    tip.replaceChildren(...text.split("\n").map(line => {
      const row = document.createElement("div"), [, name, rest] = line.match(/^(\S+): (.*)$/) ?? []
      if (!name) row.textContent = line
      else row.append(Object.assign(document.createElement("b"), { textContent: name }), rest)
      return row
    }))
    tip.hidden = false
    const box = frame.getBoundingClientRect()
    const left = Math.min(x - box.left + 14, box.width - tip.offsetWidth - 4)
    const below = y - box.top + 18
    const top = below + tip.offsetHeight > box.height ? y - box.top - tip.offsetHeight - 12 : below
    tip.style.transform = `translate(${Math.max(0, left)}px, ${Math.max(0, top)}px)`
  }

  function hideTip() {
    clearTimeout(tipClock)
    tipFor = null
    tip.hidden = true
  }

  const onTurned = () => { const last = lastOf(data); if (last !== data) show(last, send) }
  addEventListener("cnnviz:turned", onTurned)
  addEventListener("cnnviz:selected", onSelected)
  addEventListener("cnnviz:pick", onPick)
  return {
    show,
    end: () => {
      viewport.end()
      pass.end()
      hideTip()
      clearTimeout(clock)
      removeEventListener("cnnviz:turned", onTurned)
      removeEventListener("cnnviz:selected", onSelected)
      removeEventListener("cnnviz:pick", onPick)
    },
  }
}

// Where knobs have been turned further than Python knows of, what the browser has been answered since.
function lastOf(data) {
  const last = window.cnnvizTurned?.[data.of], svg = last?.drawings?.[data.place]
  return svg && last.turn > data.turn ? { ...data, svg, turn: last.turn } : data
}

const isDark = colour => {
  const [r, g, b] = colour.match(/[\d.]+/g)?.map(Number) ?? [255, 255, 255]
  return r * .3 + g * .59 + b * .11 < 128
}
