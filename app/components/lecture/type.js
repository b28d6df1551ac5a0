// The size of the root's type, in which all else is measured.

export default function ({ data, setStateValue }) {
  const root = document.documentElement
  root.style.fontSize = data.wanted === 1 ? "" : `${100 * data.wanted}%`
  if (data.wanted !== data.shown) setStateValue("factor", data.wanted)
  return () => { root.style.fontSize = "" }
}
