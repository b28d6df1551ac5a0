// A picture, and what of it is framed by now.

const pictures = new WeakMap()

export default function ({ data, parentElement }) {
  let picture = pictures.get(parentElement)
  if (!picture) pictures.set(parentElement, (picture = createPicture(parentElement)))
  picture.show(data)
  return () => { picture.end(); pictures.delete(parentElement) }
}

function createPicture(root) {
  const [img, frame, caption, holder] = ["img", ".window", "figcaption", ".picture"].map(part => root.querySelector(part))
  let data = {}

  function show(next) {
    const changed = next.source !== data.source || next.selection !== data.selection
    if (next.source !== data.source) img.src = next.source
    data = next
    if (changed) {
      window.cnnvizPictures = { ...window.cnnvizPictures, [data.selection]: data.source }  // for what is laid over it
      dispatchEvent(new CustomEvent("cnnviz:picture", { detail: data.selection }))
    }
    img.alt = "the picture chosen"
    holder.style.maxWidth = `${data.width}px`
    select(window.cnnvizSelected?.[data.selection])
  }

  function select(selected) {
    if (!selected) return
    caption.textContent = selected.caption
    frame.hidden = !selected.window
    if (!selected.window) return
    const [height, width] = data.size, [top, left, bottom, right] = selected.window
    // what lies outside of the picture is padding: the frame ends at its border there
    const part = (value, whole) => `${100 * Math.min(1, Math.max(0, value / whole))}%`
    frame.style.inset = [part(top, height), part(width - right, width), part(height - bottom, height), part(left, width)].join(" ")
  }

  const hear = ({ detail }) => { if (detail.name === data.selection) select(detail) }
  addEventListener("cnnviz:selected", hear)
  return { show, end: () => removeEventListener("cnnviz:selected", hear) }
}
