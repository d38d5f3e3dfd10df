/**
 * A whole answer, given up after so many milliseconds. A timer that outlives the answer would keep its object awake, so
 * this one does not.
 */
export async function fetchWhole(
  fetch: (url: string, init: RequestInit) => Promise<Response>,
  url: string,
  init: RequestInit,
  milliseconds: number,
): Promise<{ readonly response: Response; readonly body: Uint8Array<ArrayBuffer> }> {
  const giveUp = new AbortController()
  const timer = setTimeout(() => giveUp.abort(), milliseconds)
  try {
    const response = await fetch(url, { ...init, signal: giveUp.signal })
    return { response, body: new Uint8Array(await response.arrayBuffer()) }
  } finally {
    clearTimeout(timer)
  }
}
