// Tells Spanledger what people do with an answer: copy it, edit it, ask again, call for a person, leave. Signals, no votes.
//
//   <article data-trace="0af7651916cd43dd8448eb211c80319c">
//     The answer…
//     <button data-signal="regenerate">Again</button>
//   </article>
//   <script type="module">
//     import { watchSignals } from './signals.js'
//     watchSignals({ url: 'https://ledger.example.com', key: 'sl_pub_…', user: visitor })
//   </script>
//
// Copying text of the article sends `implicit-copy`; a click on what has `data-signal` sends that signal; leaving the page while the
// article has `data-pending` sends `implicit-abandon`. Each is sent once an article. `data-span`, `data-response` and `data-session`
// name what is judged more closely, or instead of a trace. The key is one for pages; without keys the page's origin has to be in
// `api_cors_origins`.

/** Begins to watch; returns a function that ends it. */
export function watchSignals({ url, key = '', user = '', root = document }) {
  const sent = new Set()
  const address = `${url.replace(/\/$/, '')}/api/feedback${key === '' ? '' : `?key=${encodeURIComponent(key)}`}`

  function send(article, signal) {
    const { trace, span, response, session } = article.dataset
    const judged = { trace_id: trace, span_id: span, response_id: response, session_id: session }
    const once = JSON.stringify([judged, signal])
    if (sent.has(once)) return
    sent.add(once)
    const body = JSON.stringify({ ...judged, name: `implicit-${signal}`, user_id: user || undefined })
    // As text, so that no preflight is made; lives on when the page is left. A signal that does not arrive is lost, and nobody waits.
    fetch(address, { method: 'POST', keepalive: true, body }).catch(() => sent.delete(once))
  }

  const article = (target) => target?.closest?.('[data-trace], [data-response], [data-session]')
  const onCopy = (event) => {
    const judged = article(event.target)
    if (judged) send(judged, 'copy')
  }
  const onClick = (event) => {
    const control = event.target?.closest?.('[data-signal]')
    const judged = article(control)
    if (judged) send(judged, control.dataset.signal)
  }
  const onLeave = () => {
    for (const judged of root.querySelectorAll('[data-pending]')) if (article(judged) === judged) send(judged, 'abandon')
  }
  root.addEventListener('copy', onCopy)
  root.addEventListener('click', onClick)
  globalThis.addEventListener('pagehide', onLeave)
  return () => {
    root.removeEventListener('copy', onCopy)
    root.removeEventListener('click', onClick)
    globalThis.removeEventListener('pagehide', onLeave)
  }
}
