// A view of an SVG that scrolls and zooms. Scrolling is the browser's own: by wheel, by finger, with the page behind it.

const LEAST = 0.72  // the drawing's 9 points are then about 9 pixels
const MOST = 4
const PAD = 20      // of .sheet, both sides together
const TOOLS = 40    // below what runs from left to right, as it is low, for the tools
const calm = window.matchMedia("(prefers-reduced-motion: reduce)")

function createViewport(view, sheet, { moved, changed }) {
  let svg = null, natural, zoom = 1, fitted = "reading", lengthwise = false, least = LEAST
  let begin = null  // where the first view starts, as long as there is no room to show it in
  let middle = null  // what is looked at: the place of the drawing that is in the middle

  function show(next, { direction, projector }) {
    svg = next
    const { width, height } = svg.viewBox.baseVal
    natural = { width: width * 4 / 3, height: height * 4 / 3 }
    lengthwise = direction === "LR"
    least = projector ? 1 : LEAST
    sheet.style.paddingBottom = lengthwise ? `${PAD / 2 + TOOLS}px` : ""
    sheet.replaceChildren(svg)
    size()
  }

  function size() {
    svg.style.cssText = `width: ${natural.width * zoom}px; height: ${natural.height * zoom}px`
  }

  const room = () => [
    (view.clientWidth - PAD) / natural.width,
    (view.clientHeight - PAD - (lengthwise ? TOOLS : 0)) / natural.height,
  ]
  const whole = () => Math.min(...room(), 1.6)

  // all that lies across the data's way, unless it couldn't be read then; small networks in full
  function reading() {
    const [across, along] = lengthwise ? room().reverse() : room()
    return Math.max(least, Math.min(across, Math.max(1, least * 1.2, along), 1.6))
  }

  // the place of the drawing under a point of the window, and the drawing moved so that it is there again
  function under(x, y) {
    const box = svg.getBoundingClientRect()
    return [(x - box.left) / box.width, (y - box.top) / box.height]
  }

  function bring([u, v], x, y) {
    svg.style.translate = ""
    const box = svg.getBoundingClientRect()
    moveTo(view.scrollLeft + box.left + u * box.width - x, view.scrollTop + box.top + v * box.height - y)
  }

  function moveTo(left, top) {
    view.scrollTo({ left, top, behavior: "instant" })
    // scrolling knows whole pixels only; without the rest, many small steps would drift
    const rest = [view.scrollLeft - left, view.scrollTop - top].map(way => Math.abs(way) < 1 ? way : 0)
    svg.style.translate = `${rest[0]}px ${rest[1]}px`
    lookSoon()
  }

  const centre = () => {
    const box = view.getBoundingClientRect()
    return [box.left + view.clientWidth / 2, box.top + view.clientHeight / 2]
  }
  const look = () => { if (svg && view.clientWidth) middle = under(...centre()) }
  let soon = 0
  const lookSoon = () => { clearTimeout(soon); soon = setTimeout(look, 120) }

  function zoomTo(wanted, x, y, spot = under(x, y)) {
    const next = Math.min(MOST, Math.max(Math.min(least, whole()), wanted))
    if (next !== zoom) {
      zoom = next
      fitted = null
      size()
    }
    bring(spot, x, y)
    changed()
  }

  function fit(kind, at = centre()) {
    zoomTo(kind === "whole" ? whole() : reading(), ...at)
    fitted = kind
    changed()
  }

  // the first view of a drawing: from its start, or around an element that isn't seen from there
  function open(element) {
    if (!view.clientWidth) { begin = () => open(element); return }
    begin = null
    zoom = reading()
    fitted = "reading"
    size()
    moveTo(0, 0)
    if (element && !sees(element)) reveal(element, .4, true)
    look()
    changed()
  }

  function sees(element) {
    const box = element.getBoundingClientRect(), frame = view.getBoundingClientRect()
    return box.top >= frame.top && box.bottom <= frame.bottom && box.left < frame.right - 20 && box.right > frame.left + 20
  }

  // scrolls just as far as needed; `margin` is the share of the view to keep free ahead and behind, along the data
  function reveal(element, margin, instantly = calm.matches) {
    const box = element.getBoundingClientRect(), frame = view.getBoundingClientRect()
    const shift = (low, high, from, to, share) => {
      const free = Math.max(0, Math.min(Math.max(10, share * (to - from)), (to - from - high + low) / 2))
      return low < from + free ? low - from - free : high > to - free ? high - to + free : 0
    }
    const x = shift(box.left, box.right, frame.left, frame.left + view.clientWidth, lengthwise ? margin : 0)
    const y = shift(box.top, box.bottom, frame.top, frame.top + view.clientHeight, lengthwise ? 0 : margin)
    if (!x && !y) return
    if (instantly) moveTo(view.scrollLeft + x, view.scrollTop + y)
    else view.scrollTo({ left: view.scrollLeft + x, top: view.scrollTop + y, behavior: "smooth" })
  }

  // where an element stands in the view, and having another stand there
  function placeOf(element) {
    const box = element.getBoundingClientRect(), frame = view.getBoundingClientRect()
    return [box.left - frame.left, box.top - frame.top]
  }

  function put(element, [x, y]) {
    svg.style.translate = ""
    const [left, top] = placeOf(element)
    moveTo(view.scrollLeft + left - x, view.scrollTop + top - y)
    look()
  }

  // --- the mouse drags; held with ctrl or meta, or pinched, the wheel zooms

  let drag = null, dragged = false
  view.onpointerdown = event => {
    const onScrollbar = event.target === view && (event.offsetX >= view.clientWidth || event.offsetY >= view.clientHeight)
    dragged = false
    if (event.pointerType !== "touch" && event.button === 0 && !onScrollbar)
      drag = { x: event.clientX, y: event.clientY, left: view.scrollLeft, top: view.scrollTop }
  }
  view.onpointermove = event => {
    if (!drag) return
    if (!event.buttons) return drop()
    const x = event.clientX - drag.x, y = event.clientY - drag.y
    if (!dragged && Math.hypot(x, y) < 5) return
    if (!dragged) {
      dragged = true
      view.setPointerCapture(event.pointerId)
      view.classList.add("dragging")
      moved()
    }
    moveTo(drag.left - x, drag.top - y)
  }
  const drop = () => { drag = null; view.classList.remove("dragging") }
  view.onpointerup = view.onpointercancel = drop
  view.addEventListener("click", event => { if (dragged) event.stopPropagation(); dragged = false }, true)
  view.ondragstart = event => event.preventDefault()

  view.addEventListener("wheel", event => {
    if (!event.ctrlKey && !event.metaKey) return
    event.preventDefault()
    const way = Math.max(-25, Math.min(25, event.deltaY * (event.deltaMode ? 20 : 1)))
    zoomTo(zoom * Math.exp(-way / 100), event.clientX, event.clientY)
  }, { passive: false })

  let pinch = null
  const fingers = ({ touches: [a, b] }) => ({
    apart: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY),
    at: [(a.clientX + b.clientX) / 2, (a.clientY + b.clientY) / 2],
  })
  view.addEventListener("touchstart", event => {
    if (event.touches.length !== 2) { pinch = null; return }
    const { apart, at } = fingers(event)
    pinch = { apart, zoom, spot: under(...at) }
  }, { passive: true })
  view.addEventListener("touchmove", event => {
    if (!pinch || event.touches.length !== 2) return
    if (event.cancelable) event.preventDefault()
    const { apart, at } = fingers(event)
    zoomTo(pinch.zoom * apart / pinch.apart, ...at, pinch.spot)
  }, { passive: false })
  view.addEventListener("touchend", () => { pinch = null })

  // Safari's trackpad
  let gesture = 1
  view.addEventListener("gesturestart", event => { event.preventDefault(); gesture = zoom })
  view.addEventListener("gesturechange", event => {
    event.preventDefault()
    if (!pinch) zoomTo(gesture * event.scale, event.clientX, event.clientY)
  })

  view.onscroll = () => { lookSoon(); moved() }

  const observer = new ResizeObserver(() => {
    if (!svg || !view.clientWidth) return
    if (begin) return begin()
    const spot = middle, atStart = [view.scrollLeft === 0, view.scrollTop === 0]
    if (fitted) {
      zoom = fitted === "whole" ? whole() : reading()
      size()
    }
    if (spot) bring(spot, ...centre())
    if (fitted === "reading") moveTo(atStart[0] ? 0 : view.scrollLeft, atStart[1] ? 0 : view.scrollTop)
  })
  observer.observe(view)

  return {
    show, open, fit, sees, reveal, placeOf, put,
    zoomBy: factor => zoomTo(zoom * factor, ...centre()),
    get zoom() { return zoom },
    get fitted() { return fitted },
    end: () => { clearTimeout(soon); observer.disconnect() },
  }
}
