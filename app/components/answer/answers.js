// Watches the page: places that ask for charts get them, and where the knobs have been turned further than the answer
// goes that Python has given, the place has that of the last turn. charts.js stands before this file.

export default function () {
  const drawn = new Map()

  function look() {
    for (const place of document.querySelectorAll(".answer[data-of]")) {
      const last = window.cnnvizTurned?.[place.dataset.of]
      if (!last || last.turn <= Number(place.dataset.turn)) continue
      place.innerHTML = last.html
      place.dataset.turn = last.turn
    }
    for (const [place, charts] of drawn) if (!place.isConnected) { charts.end(); drawn.delete(place) }
    for (const place of document.querySelectorAll("[data-charts]")) {
      if (drawn.has(place)) continue
      drawn.set(place, createCharts(place))
      drawn.get(place).show(JSON.parse(place.dataset.charts))
    }
  }

  const observer = new MutationObserver(look)
  observer.observe(document.body, { childList: true, subtree: true })
  addEventListener("cnnviz:turned", look)
  look()
  return () => {
    observer.disconnect()
    removeEventListener("cnnviz:turned", look)
    for (const charts of drawn.values()) charts.end()
  }
}
