import { type Random, secureRandom } from '@cocoon/protocol'
import { type ClientSocket, connectSocket } from './socket.ts'

/** What the core needs of the world. Browsers, workerd and Node differ only here; tests bring their own. */
export interface Environment {
  fetch(url: string, init: RequestInit): Promise<Response>
  connect(url: string, protocols: string[]): Promise<ClientSocket>
  /** Unix milliseconds. */
  now(): number
  random: Random
  /** Ends early when the signal aborts. Never rejects. */
  wait(milliseconds: number, signal?: AbortSignal): Promise<void>
}

export const standardEnvironment: Environment = {
  fetch: (url, init) => fetch(url, init),
  connect: connectSocket,
  now: () => Date.now(),
  random: secureRandom,
  wait: (milliseconds, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const end = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, milliseconds)
      signal?.addEventListener('abort', end)
    }),
}
