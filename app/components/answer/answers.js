// Watches the page: places that ask for charts get them, and where all answers to a knob have been dealt, the page has
// the one of where the knob stands, whatever Python has answered by then. charts.js stands before this file.

export default function () {
  const drawn = new Map(), dealt = new WeakMap()

  function look() {
    for (const deck of document.querySelectorAll("[data-cards]")) deal(deck)
    for (const [place, charts] of drawn) if (!place.isConnected) { charts.end(); drawn.delete(place) }
    for (const place of document.querySelectorAll("[data-charts]")) {
      if (drawn.has(place)) continue
      drawn.set(place, createCharts(place))
      drawn.get(place).show(JSON.parse(place.dataset.charts))
    }
  }

  function deal(deck) {
    const { knob } = deck.dataset, at = standsAt(document.querySelector(`.st-key-${knob} input`))
    if (!dealt.has(deck)) dealt.set(deck, JSON.parse(deck.dataset.cards))
    const card = dealt.get(deck)[at]
    if (!card) return
    document.querySelectorAll(`.answer[data-knob="${knob}"]`).forEach((place, number) => {
      if (place.dataset.at === at) return
      place.innerHTML = card[number]
      place.dataset.at = at
    })
  }

  const standsAt = input => input?.type === "checkbox" ? String(input.checked) : input?.getAttribute("aria-valuetext")

  const observer = new MutationObserver(look)
  observer.observe(document.body, { childList: true, subtree: true, attributeFilter: ["aria-valuetext", "data-selected"] })
  look()
  return () => {
    observer.disconnect()
    for (const charts of drawn.values()) charts.end()
  }
}
