// The size of the root's type, in which all else is measured; and paper as wide as the window, since what is drawn to a
// width can't be drawn anew in time.

const MARGIN = 40
const paper = document.createElement("style")  // stays, as a print may begin while this is being run anew

export default function ({ data, setStateValue }) {
  const root = document.documentElement
  const cut = () => {
    const width = innerWidth + 2 * MARGIN
    paper.textContent = `@page { size: ${width}px ${Math.round(width * Math.SQRT2)}px; margin: ${MARGIN}px; }`
    document.head.append(paper)
  }
  root.style.fontSize = data.wanted === 1 ? "" : `${100 * data.wanted}%`
  if (data.wanted !== data.shown) setStateValue("factor", data.wanted)
  addEventListener("beforeprint", cut)
  return () => {
    root.style.fontSize = ""
    removeEventListener("beforeprint", cut)
  }
}
