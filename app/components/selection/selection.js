// What is selected, told to the views; what is picked in them, told to Python.

const UNANSWERED = 10e3  // ms in which Python's older answers don't move what was picked last
const links = new WeakMap()

export default function ({ data, parentElement, setTriggerValue }) {
  let link = links.get(parentElement)
  if (!link) links.set(parentElement, (link = createLink()))
  link.show(data, setTriggerValue)
  return () => { link.end(); links.delete(parentElement) }
}

function createLink() {
  let data = {}, send = () => {}, asked = null, clock = 0

  function show(next, trigger) {
    [data, send] = [next, trigger]
    window.cnnvizSelected = { ...window.cnnvizSelected, [data.name]: data }  // for a view that comes later
    if (asked === null || asked === data.layer || asked === data.node) tell()
  }

  function tell() {
    clearTimeout(clock)
    asked = null
    dispatchEvent(new CustomEvent("cnnviz:selected", { detail: data }))
  }

  function hear({ detail }) {
    if (detail.name !== data.name) return
    asked = detail.pick
    clearTimeout(clock)
    clock = setTimeout(tell, UNANSWERED)
    send("pick", asked)
  }

  addEventListener("cnnviz:pick", hear, true)  // ahead of the views, so that Python is at work while they draw
  return { show, end: () => { clearTimeout(clock); removeEventListener("cnnviz:pick", hear, true) } }
}
