// What Python has written.

export default function ({ data, parentElement }) {
  parentElement.querySelector("article").innerHTML = data.html
}
