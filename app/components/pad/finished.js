// Stands outside of what is drawn anew while one draws: has the whole page drawn anew when a stroke has ended.

const heard = new WeakMap()

export default function ({ parentElement, setTriggerValue }) {
  const stop = () => window.removeEventListener("cnnviz:drawn", heard.get(parentElement))
  stop()
  heard.set(parentElement, event => setTriggerValue("stroke", event.detail))
  window.addEventListener("cnnviz:drawn", heard.get(parentElement))
  return stop
}
