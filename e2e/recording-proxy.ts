import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type RawData, WebSocket, WebSocketServer } from 'ws'

export interface RecordingProxy {
  readonly origin: string
  /** Everything that passed, both ways: heads, bodies, unmasked WebSocket messages. */
  readonly recorded: Buffer[]
  close(): Promise<void>
}

/**
 * Stands before a broker and records all it is sent and all it answers. WebSockets are taken apart, because a browser
 * masks what it sends and a search of the raw stream would find nothing whatever was in it.
 */
export async function recordTraffic(target: string): Promise<RecordingProxy> {
  const recorded: Buffer[] = []
  const record = (data: Buffer | string): void => {
    recorded.push(Buffer.from(data as string))
  }
  const { hostname, port } = new URL(target)
  const server: Server = createServer((incoming, outgoing) => {
    record(headOf(incoming))
    // The Host header stays: signatures bind the address that was dialled. Bodies must not arrive compressed.
    const headers = { ...incoming.headers, 'accept-encoding': 'identity' }
    const options = { hostname, port, path: incoming.url, method: incoming.method, headers }
    const forwarded = request(options, (answer) => {
      record(JSON.stringify(answer.headers))
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.on('data', (data: Buffer) => record(data)).pipe(outgoing)
    })
    forwarded.on('error', () => outgoing.destroy())
    incoming.on('data', (data: Buffer) => record(data)).pipe(forwarded)
  })
  const doors = new WebSocketServer({ noServer: true, handleProtocols: (protocols) => [...protocols][0] ?? false })
  server.on('upgrade', (incoming, socket, head) => {
    record(headOf(incoming))
    const protocols = (incoming.headers['sec-websocket-protocol'] ?? '').split(/, */).filter(Boolean)
    const headers = { host: incoming.headers.host ?? '' }
    const inner = new WebSocket(`ws://${hostname}:${port}${incoming.url}`, protocols, {
      headers,
      perMessageDeflate: false,
    })
    inner.on('error', () => socket.destroy())
    doors.handleUpgrade(incoming, socket, head, (outer) => join(outer, inner, record))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    recorded,
    close: () =>
      new Promise((resolve) => {
        for (const socket of doors.clients) socket.terminate()
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

function headOf(incoming: IncomingMessage): string {
  return `${incoming.method} ${incoming.url} ${JSON.stringify(incoming.headers)}`
}

function join(outer: WebSocket, inner: WebSocket, record: (data: Buffer) => void): void {
  const waiting: [RawData, boolean][] = []
  const pass = (to: WebSocket, data: RawData, binary: boolean): void => {
    record(data as Buffer)
    to.send(data, { binary })
  }
  outer.on('message', (data, binary) => {
    if (inner.readyState === WebSocket.OPEN) pass(inner, data, binary)
    else waiting.push([data, binary])
  })
  inner.on('open', () => {
    for (const [data, binary] of waiting) pass(inner, data, binary)
  })
  inner.on('message', (data, binary) => pass(outer, data, binary))
  outer.on('close', () => inner.close())
  inner.on('close', (code, reason) => {
    if (code === 1005 || code === 1006) outer.close()
    else outer.close(code, reason)
  })
}
