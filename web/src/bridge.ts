/**
 * Telegram's bridge for Mini Apps, as its own telegram-web-app.js speaks it: named events with JSON, by a method of the phone's
 * web view, by `external.notify` in old desktop apps, by messages to the parent window in web clients. A client that does not
 * know an event lets it pass.
 */
interface Surroundings {
  TelegramWebviewProxy?: { postEvent(name: string, data: string): void }
  external?: { notify?(data: string): void }
  Telegram?: { WebView?: { receiveEvent?: Receive } }
  TelegramGameProxy?: { receiveEvent?: Receive }
  TelegramGameProxy_receiveEvent?: Receive
}
type Receive = (name: string, data: unknown) => void
type Listener = (data: Readonly<Record<string, unknown>>) => void

const world = window as unknown as Surroundings
const listeners = new Map<string, Set<Listener>>()

/** Says whether there was anyone to tell. */
export function post(name: string, data: object | null = null): boolean {
  try {
    if (world.TelegramWebviewProxy) world.TelegramWebviewProxy.postEvent(name, JSON.stringify(data))
    else if (world.external?.notify) world.external.notify(JSON.stringify({ eventType: name, eventData: data }))
    // Who may be the parent is settled by the page's own policy (frame-ancestors).
    else if (window.parent !== window)
      window.parent.postMessage(JSON.stringify({ eventType: name, eventData: data }), '*')
    else return false
    return true
  } catch {
    return false
  }
}

export function listen(name: string, listener: Listener): () => void {
  const some = listeners.get(name) ?? new Set()
  listeners.set(name, some.add(listener))
  return () => some.delete(listener)
}

/** Begins to receive. */
export function openBridge(): void {
  world.Telegram = { ...world.Telegram, WebView: { ...world.Telegram?.WebView, receiveEvent: receive } }
  world.TelegramGameProxy = { receiveEvent: receive }
  world.TelegramGameProxy_receiveEvent = receive
  window.addEventListener('message', ({ source, data }) => {
    if (source !== window.parent || typeof data !== 'string') return
    try {
      const { eventType, eventData } = JSON.parse(data) as { eventType?: unknown; eventData?: unknown }
      if (typeof eventType === 'string') receive(eventType, eventData)
    } catch {
      // Not Telegram's.
    }
  })
}

function receive(name: string, data: unknown): void {
  const content = typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {}
  for (const listener of listeners.get(name) ?? []) listener(content)
}

/**
 * Asks and waits for one of the answers with the same `req_id`.
 * @throws Error when none comes in time (milliseconds)
 */
export function request(
  name: string,
  data: object,
  answers: readonly string[],
  patience: number,
): Promise<Readonly<Record<string, unknown>>> {
  const req_id = `cocoon${++last}`
  return new Promise((resolve, reject) => {
    const settle = (settled: () => void) => {
      clearTimeout(timer)
      for (const stop of stops) stop()
      settled()
    }
    const timer = setTimeout(() => settle(() => reject(new Error(`Telegram did not answer ${name}`))), patience)
    const stops = answers.map((answer) =>
      listen(answer, (content) => {
        if (content['req_id'] === req_id) settle(() => resolve(content))
      }),
    )
    post(name, { ...data, req_id })
  })
}
let last = 0
