// Shows the drawing and reports what is picked in it. Which node is lit comes by an event from light.js.

const views = new WeakMap()

export default function ({ data, parentElement, setTriggerValue }) {
  const view = parentElement.querySelector(".view")
  let state = views.get(parentElement)
  if (!state) {
    state = { svg: null, lit: window.cnnvizLit?.[data.name] ?? null }
    state.observer = new ResizeObserver(() => resize(view))
    state.observer.observe(view)
    state.onLight = event => { if (event.detail.name === state.name) light(view, (state.lit = event.detail.lit)) }
    window.addEventListener("cnnviz:light", state.onLight)
    views.set(parentElement, state)
  }
  state.name = data.name
  if (state.svg !== data.svg) {
    const top = view.scrollTop
    view.innerHTML = state.svg = data.svg
    prepare(view)
    resize(view)
    light(view, state.lit, state.shown)
    if (state.shown) view.scrollTop = top
    state.shown = true
  }
  const choose = target => {
    const node = target.closest?.("g.node"), box = target.closest?.("g.cluster.run, g.cluster.opened")
    if (node) setTriggerValue("pick", node.id)
    else if (box) setTriggerValue("fold", box.id.replace(/^block:/, ""))
  }
  view.onclick = event => choose(event.target)
  view.onkeydown = event => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(event.target) }
  }
  return () => { state.observer.disconnect(); window.removeEventListener("cnnviz:light", state.onLight); views.delete(parentElement) }
}

function prepare(view) {
  view.querySelector("svg").setAttribute("role", "group")
  for (const node of view.querySelectorAll("g.node, g.cluster.run, g.cluster.opened")) {
    const title = node.querySelector("a")?.getAttribute("xlink:title") || node.querySelector("title")?.textContent
    node.setAttribute("tabindex", "0")
    node.setAttribute("role", "button")
    node.setAttribute("aria-label", (title || "").replace(/\s+/g, " "))
  }
}

// as wide as the view, but never so small that it can't be read: then it scrolls
function resize(view) {
  const svg = view.querySelector("svg")
  if (!svg) return
  const natural = svg.viewBox.baseVal.width * 4 / 3
  const width = Math.min(natural, Math.max(view.clientWidth - 18, natural * 0.7))
  svg.style.cssText = `display: block; margin: auto; width: ${width}px; max-width: none; height: auto`
}

function light(view, id, keep) {
  for (const node of view.querySelectorAll(".lit")) node.classList.remove("lit")
  const node = id && view.querySelector(`g.node[id="${CSS.escape(id)}"]`)
  if (!node) return
  node.classList.add("lit")
  if (keep) return
  const box = node.getBoundingClientRect(), frame = view.getBoundingClientRect()
  if (box.top < frame.top || box.bottom > frame.bottom)
    view.scrollTop += box.top - frame.top - (frame.height - box.height) / 2
}
