// What Python has written; whether the symbols are explained stays as the reader has it.

export default function ({ data, parentElement }) {
  const card = parentElement.querySelector("article")
  const open = card.querySelector("details")?.open
  card.innerHTML = data.html
  const details = card.querySelector("details")
  if (details && open) details.open = true
}
