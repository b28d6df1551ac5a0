// Knobs. Each step is a turn with a number. The browser asks for its answers by itself, where they depend on the knobs
// alone, and tells Python where the knobs stand when they rest; or it tells Python at each step, but no faster than that
// answers. `window.cnnvizTurned` has the last turn of each board; what shows answers (answers.js) takes them from there.

const REST = 300  // ms without a step, until Python is told of the last one
const PATIENCE = 1000  // ms until a step is told though the one before hasn't been answered
const KEPT = 200  // answers
const OWN = "my own"
const boards = new WeakMap()

export default function ({ data, parentElement, setStateValue }) {
  let board = boards.get(parentElement)
  if (!board) boards.set(parentElement, (board = createBoard(parentElement.querySelector(".knobs"))))
  board.tell = told => setStateValue("turned", told)
  board.show(data)
  return board.end  // what is drawn stays: the same element may be given again
}

function createBoard(place) {
  const board = { tell() {}, show, end }
  const drawn = new Map()  // name -> what was drawn of it, and how to set it
  const answers = new Map()  // what was asked -> what was answered
  let data, values = {}, turn = 0, told = 0, toldAt = 0, clock = 0, request

  function show(next) {
    data = { ...next, presets: next.presets ?? {} }  // nothing arrives as nothing
    turn = Math.max(turn, data.turn)  // of a page that was loaded anew, Python knows more
    told = Math.max(told, data.turn)
    place.style.setProperty("--least", `${data.least}rem`)
    const presets = Object.keys(data.presets)
    const list = { kind: "Preset", name: "", label: data.presetLabel, offered: [...presets, OWN] }
    ;[...(presets.length ? [list] : []), ...data.knobs].forEach((knob, at) => {
      const said = JSON.stringify(knob)
      if (drawn.get(knob.name)?.said !== said) {
        drawn.get(knob.name)?.whole.remove()
        drawn.set(knob.name, { said, ...drawKnob(knob, value => step(knob.name, value)) })
        if (knob.name in values) drawn.get(knob.name).set(values[knob.name])
        place.insertBefore(drawn.get(knob.name).whole, place.children[at] ?? null)
      }
    })
    if (turn === data.turn) take(data.values)  // else a step has been made since
    else if (data.ask ? !clock && told < turn : told === data.turn) tell()
  }

  function take(next) {
    values = { ...next }
    for (const [name, { set }] of drawn) if (name in values) set(values[name])
    const stands = ([, preset]) => Object.entries(preset).every(([name, value]) => values[name] === value)
    for (const { name, unless } of data.knobs) drawn.get(name).whole.hidden = Boolean(unless) && values[unless[0]] === unless[1]
    drawn.get("")?.set(Object.entries(data.presets).find(stands)?.[0] ?? OWN)
  }

  function step(name, value) {
    if (!name && !data.presets[value]) return
    take(name ? { ...values, [name]: value } : { ...values, ...data.presets[value] })
    turn++
    if (data.ask) ask()
    else tell()
  }

  async function ask() {
    clearTimeout(clock)
    clock = setTimeout(tell, REST)
    request?.abort()
    request = new AbortController()
    const given = Object.entries(values).map(([name, value]) => [name, value ?? ""])
    const address = `${data.ask}${new URLSearchParams(given)}`, of = turn
    try {
      if (!answers.has(address)) {
        const answer = await fetch(address, { signal: request.signal })
        if (!answer.ok) return  // Python will say why
        if (answers.size > KEPT) answers.clear()
        answers.set(address, await answer.json())
      }
    } catch { return }  // another step has been made, or there is no network
    if (of !== turn) return
    ;(window.cnnvizTurned ??= {})[data.key] = { turn, ...answers.get(address) }
    dispatchEvent(new CustomEvent("cnnviz:turned"))
  }

  function tell() {
    clearTimeout(clock)
    clock = 0
    if (!data.ask && told !== data.turn && performance.now() - toldAt < PATIENCE) { clock = setTimeout(tell, PATIENCE); return }
    told = turn
    toldAt = performance.now()
    board.tell({ turn, values })
  }

  function end() {
    clearTimeout(clock)
    clock = 0
    delete window.cnnvizTurned?.[data?.key]
  }

  return board
}

function drawKnob({ kind, name, label, help, low, high, step, blank, slider, listed, offered, wide }, turned) {
  const whole = document.createElement("div"), id = `knob-${name}`
  const words = escaped(label), asks = help ? `<button type="button" class="help" popovertarget="${id}-help" aria-label="What ${words} is">?</button><span popover id="${id}-help">${escaped(help)}</span>` : ""
  whole.className = `knob ${kind}${wide ? " wide" : ""}`
  if (kind === "Switch") {
    whole.innerHTML = `<label><input type="checkbox" role="switch" aria-label="${words}">${words}</label>${asks}`
    const box = whole.querySelector("input")
    box.oninput = () => turned(box.checked)
    return { whole, set: value => { box.checked = value } }
  }
  if (kind === "Preset" || listed) {
    whole.innerHTML = `<label for="${id}">${words}${asks}</label><select aria-label="${words}" id="${id}">${offered.map(one => `<option>${escaped(one)}</option>`).join("")}</select>`
    const list = whole.querySelector("select")
    list.oninput = () => turned(list.value)
    return { whole, set: value => { list.value = value } }
  }
  if (kind === "Choice" && !slider) {
    whole.innerHTML = `<fieldset aria-label="${words}"><legend>${words}${asks}</legend>${offered.map((one, at) =>
      `<label><input type="radio" name="${id}" value="${at}"><span>${escaped(String(one))}</span></label>`).join("")}</fieldset>`
    const radios = [...whole.querySelectorAll("input")]
    whole.oninput = event => turned(offered[event.target.value])
    return { whole, set: value => { radios[offered.indexOf(value)].checked = true } }
  }
  if (kind === "Choice") {
    whole.innerHTML = `<div class="head"><label for="${id}">${words}${asks}</label><output></output></div><input id="${id}" type="range" aria-label="${escaped(label)}" max="${offered.length - 1}">`
    const [said, range] = ["output", "input"].map(part => whole.querySelector(part))
    range.oninput = () => turned(offered[range.value])
    return { whole, set: value => {
      range.value = offered.indexOf(value)
      said.textContent = value
      range.setAttribute("aria-valuetext", value)
      fill(range)
    } }
  }
  const limits = `min="${low}" max="${high}" step="${step}"`, field = `<input id="${id}" type="number" inputmode="decimal" placeholder="${escaped(blank)}" ${limits}`
  whole.innerHTML = slider
    ? `<div class="head"><label for="${id}">${words}${asks}</label>${field} aria-label="${escaped(label)}, as a number"></div><input type="range" aria-label="${escaped(label)}" ${limits}>`
    : `<label for="${id}">${words}${asks}</label>${field} aria-label="${words}">`
  const typed = whole.querySelector("[type=number]"), range = whole.querySelector("[type=range]")
  let now = null
  const set = value => {
    now = value
    if (typed.value === "" ? value !== null : Number(typed.value) !== value) typed.value = value ?? ""
    if (range) { range.value = value; fill(range) }
  }
  typed.oninput = () => {
    const empty = typed.value === "" && !typed.validity.badInput
    if (empty ? blank : typed.validity.valid) turned(empty ? null : Number(typed.value))
  }
  typed.onchange = typed.onblur = () => { typed.value = now ?? "" }  // what can't be had isn't left standing
  if (range) range.oninput = () => turned(Number(range.value))
  return { whole, set }
}

const fill = range => range.style.setProperty("--at", `${100 * (range.value - range.min) / (range.max - range.min)}%`)
const escaped = text => text.replace(/[&<>"]/g, sign => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign])
