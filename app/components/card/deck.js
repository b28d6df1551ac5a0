// All cards of a selection's network, for whoever shows one: the selection's name, a line feed, JSON in gzip.

const LINE_FEED = 10
const held = new WeakMap()

export default function ({ data, parentElement }) {
  const end = data.indexOf(LINE_FEED), name = new TextDecoder().decode(data.subarray(0, end))
  const decks = (window.cnnvizDecks ??= {})
  const deck = held.get(parentElement)
  if (!deck || deck.size !== data.length || decks[name] !== deck.cards) unpack()
  return () => { delete decks[name]; held.delete(parentElement) }

  async function unpack() {
    const mine = { size: data.length, cards: undefined }
    held.set(parentElement, mine)
    delete decks[name]
    const plain = new Blob([data.subarray(end + 1)]).stream().pipeThrough(new DecompressionStream("gzip"))
    const cards = await new Response(plain).json()
    if (held.get(parentElement) === mine) decks[name] = mine.cards = cards
  }
}
