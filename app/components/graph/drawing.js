// What the drawing says: its nodes, the arcs between them, the runs of equal blocks. It is all in Graphviz' SVG.

const ROLES = ["main", "branch", "projection", "gate", "identity"]  // which arc a step along the data prefers

function readDrawing(svg, runs) {
  const nodes = new Map(), byName = new Map(), arcs = [], words = new Map()
  for (const element of svg.querySelectorAll("g.node, g.edge, g.cluster")) {
    const name = take(element, "title"), anchor = element.querySelector("a")
    words.set(element, anchor?.getAttribute("xlink:title") ?? name)
    anchor?.removeAttribute("xlink:title")  // or the browser shows a tip of its own
    if (element.classList.contains("node")) {
      const node = { id: element.id, element, before: [], after: [] }
      nodes.set(element.id, node)
      byName.set(name, node)
    } else if (element.classList.contains("edge")) arcs.push({ element, name })
  }
  for (const arc of arcs) {
    const [source, target] = arc.name.split("->").map(name => byName.get(name))
    if (!source || !target) continue
    Object.assign(arc, { source, target, rank: ROLES.findIndex(role => arc.element.classList.contains(role)) })
    source.after.push(arc)
    target.before.push(arc)
  }
  const name = take(svg, "title")
  const boxes = new Map([...svg.querySelectorAll("g.cluster.run, g.cluster.opened")].map(box => [pathOf(box), box]))

  // the innermost run that a node lies in: its first block, which is its name
  const runOf = id => {
    let found = null, depth = 0
    for (const [first, blocks] of [...[...boxes.keys()].map(path => [path, [path]]), ...Object.entries(runs)])
      for (const block of blocks)
        if (id.startsWith(`${block}.`) && block.length > depth) [found, depth] = [first, block.length]
    return found
  }
  return { name, svg, nodes, boxes, words, runOf }
}

const pathOf = box => box.id.replace(/^block:/, "")

function take(element, tag) {
  const child = element.querySelector(tag), text = child?.textContent ?? ""
  child?.remove()
  return text
}

// all that leads to a node, or with "after" that follows from it: nodes and arcs
function reach(node, way = "before") {
  const found = new Set([node]), ahead = [node]
  while (ahead.length)
    for (const arc of ahead.pop()[way]) {
      const next = way === "before" ? arc.source : arc.target
      found.add(arc)
      if (!found.has(next)) ahead.push(next)
      found.add(next)
    }
  return found
}

// The node one step away: "after" or "before" along the data, "lower" or "higher" (by coordinate) to the arm beside.
function stepFrom(drawing, node, way, across) {
  const middle = ({ element }) => {
    const box = element.getBBox(), x = box.x + box.width / 2, y = box.y + box.height / 2
    return across === "x" ? [x, y] : [y, x]
  }
  const [here, along] = middle(node)
  const first = (list, cost) => list.map(item => [cost(item), item]).sort((a, b) => a[0] - b[0])[0]?.[1]
  if (way === "after" || way === "before") {
    const end = arc => way === "after" ? arc.target : arc.source
    const arc = first(node[way], arc => arc.rank * 1e5 + Math.abs(middle(end(arc))[0] - here))
    return arc && end(arc)
  }
  const aside = other => (middle(other)[0] - here) * (way === "higher" ? 1 : -1)
  const related = new Set([...reach(node), ...reach(node, "after")])
  const beside = [...drawing.nodes.values()].filter(other => !related.has(other) && aside(other) > 1)
  const arms = node.after.map(arc => arc.target).filter(other => aside(other) > 1)  // at a fork, into its arms
  return first(beside, other => 3 * Math.abs(middle(other)[1] - along) + aside(other)) ?? first(arms, aside)
}

// Light paper's colours for a dark page: hues stay, light and dark change places, and pale fills go calm.
function darkColours(text) {
  const rules = []
  for (const colour of new Set([...text.matchAll(/(?:fill|stroke)="(#[0-9a-f]{6})"/g)].map(match => match[1])))
    for (const paint of ["fill", "stroke"]) rules.push(`:where(.dark) [${paint}="${colour}"] { ${paint}: ${darkened(colour)} }`)
  return rules.join("\n")
}

function darkened(colour) {
  const [r, g, b] = [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16) / 255)
  const high = Math.max(r, g, b), low = Math.min(r, g, b), spread = high - low, light = (high + low) / 2
  const hue = !spread ? 0 : high === r ? (g - b) / spread : high === g ? 2 + (b - r) / spread : 4 + (r - g) / spread
  const strength = spread ? spread / (1 - Math.abs(2 * light - 1)) : 0
  return `hsl(${(hue * 60 + 360) % 360} ${strength * (light > .75 ? 55 : 80)}% ${97 - 82 * light}%)`
}
