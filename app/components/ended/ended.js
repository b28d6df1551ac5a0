// One that stands within a part that is drawn anew by itself tells another, outside of it, that there is nothing to wait for.

const heard = new WeakMap()

export default function ({ data, parentElement, setTriggerValue }) {
  if (data.tells) {
    dispatchEvent(new CustomEvent("cnnviz:over"))
    return
  }
  const stop = () => removeEventListener("cnnviz:over", heard.get(parentElement))
  stop()
  heard.set(parentElement, () => setTriggerValue("over", Date.now()))
  addEventListener("cnnviz:over", heard.get(parentElement))
  return stop
}
