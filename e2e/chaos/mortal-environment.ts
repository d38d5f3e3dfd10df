import { type ClientSocket, type Environment, standardEnvironment } from '@cocoon/client'

/**
 * A device that can be switched off: its sockets close, and nothing it was waiting for ever comes. What runs on it is
 * never told, as in a page that was closed.
 */
export class MortalEnvironment implements Environment {
  readonly random = standardEnvironment.random
  readonly #sockets = new Set<ClientSocket>()
  #dead = false

  kill(): void {
    this.#dead = true
    for (const socket of this.#sockets) socket.close()
  }

  now(): number {
    return Date.now()
  }

  async wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
    await standardEnvironment.wait(milliseconds, signal)
    await this.alive()
  }

  async fetch(url: string, init: RequestInit): Promise<Response> {
    try {
      return await standardEnvironment.fetch(url, init)
    } finally {
      await this.alive()
    }
  }

  async connect(url: string, protocols: string[]): Promise<ClientSocket> {
    try {
      const socket = await standardEnvironment.connect(url, protocols)
      this.#sockets.add(socket)
      if (this.#dead) socket.close()
      return socket
    } finally {
      await this.alive()
    }
  }

  /** Never resolves once it was switched off. */
  alive(): Promise<void> {
    return this.#dead ? new Promise(() => undefined) : Promise.resolve()
  }
}
