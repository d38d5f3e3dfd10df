import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'

export interface Call {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
  /** Resolves when the client closed the connection before the answer ended. */
  readonly hungUp: Promise<void>
}

export type Reply = (call: Call, response: ServerResponse) => Promise<void> | void

/** A real HTTP server on a loopback port that says what a test tells it to. */
export async function startEngineServer(reply: Reply) {
  const calls: Call[] = []
  const server = createServer((request, response) => {
    const hungUp = new Promise<void>((resolve) => {
      response.on('close', () => {
        if (!response.writableFinished) resolve()
      })
    })
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const call = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString(), hungUp }
      calls.push(call)
      void reply(call, response)
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => {
      server.close(resolve)
    })
  }
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls, close }
}

/** Plays a stream, cut at the given byte offsets. */
export function playing(stream: string, cuts: readonly number[] = []): Reply {
  return async (_call, response) => {
    const bytes = Buffer.from(stream)
    const offsets = [...new Set([0, ...cuts.map((cut) => cut % bytes.length), bytes.length])].sort((a, b) => a - b)
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    response.socket?.setNoDelay(true)
    for (const [index, start] of offsets.slice(0, -1).entries()) {
      response.write(bytes.subarray(start, offsets[index + 1]))
      await nextTurn()
    }
    response.end()
  }
}

export const events = (...chunks: readonly unknown[]): string =>
  chunks.map((chunk) => `data: ${typeof chunk === 'string' ? chunk : JSON.stringify(chunk)}\n\n`).join('')
