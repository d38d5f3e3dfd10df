import { useSyncExternalStore } from 'react'
import { words } from './words/words.ts'

let outdated = false
const listeners = new Set<() => void>()

/** A part of the app that is not there any more: the service has a newer one. */
export function watchUpdates(): void {
  window.addEventListener('vite:preloadError', () => {
    if (!navigator.onLine) return
    sayUpdated()
  })
}

export function sayUpdated(): void {
  outdated = true
  for (const listener of listeners) listener()
}

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function UpdateNotice() {
  const shown = useSyncExternalStore(subscribe, () => outdated)
  if (!shown) return null
  return (
    <section className="update notice" role="status">
      <div>
        <h2>{words.update.title}</h2>
        <p className="hint note">{words.update.text}</p>
      </div>
      <button type="button" className="button soft" onClick={() => location.reload()}>
        {words.update.reload}
      </button>
    </section>
  )
}
