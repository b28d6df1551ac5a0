// The card that Python has written; at a pick that of the deck, which is the same and is there at once.

const cards = new WeakMap()

export default function ({ data, parentElement }) {
  let card = cards.get(parentElement)
  if (!card) cards.set(parentElement, (card = createCard(parentElement.querySelector("article"))))
  card.answer(data)
  return () => { card.end(); cards.delete(parentElement) }
}

function createCard(article) {
  let selection = "", shown = "", picked = null

  function show(html) {
    if (html === shown) return
    const open = article.querySelector("details")?.open  // whether the symbols are explained stays as the reader has it
    article.innerHTML = shown = html
    const details = article.querySelector("details")
    if (details && open) details.open = true
  }

  const dealt = path => window.cnnvizDecks?.[selection]?.[path]

  function answer(data) {
    selection = data.selection
    if (picked === null || picked === data.layer) show(data.html)  // else it is the answer to an earlier pick
  }

  function pick({ detail }) {
    if (detail.name !== selection || !dealt(detail.pick)) return
    picked = detail.pick
    // when the lit node has been painted, which would otherwise wait for the card's layout
    requestAnimationFrame(() => setTimeout(() => { if (picked === detail.pick) show(dealt(picked)) }))
  }

  function settle({ detail }) {
    if (detail.name !== selection) return
    picked = null
    if (dealt(detail.layer)) show(dealt(detail.layer))
  }

  addEventListener("cnnviz:pick", pick)
  addEventListener("cnnviz:selected", settle)
  return {
    answer,
    end: () => {
      removeEventListener("cnnviz:pick", pick)
      removeEventListener("cnnviz:selected", settle)
    },
  }
}
