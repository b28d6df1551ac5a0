// Tells the drawing of the same name which of its nodes is lit.

export default function ({ data }) {
  window.cnnvizLit = { ...window.cnnvizLit, [data.name]: data.lit }
  window.dispatchEvent(new CustomEvent("cnnviz:light", { detail: data }))
}
