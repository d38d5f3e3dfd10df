import { Agent, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { ErrorResponse } from '@cocoon/protocol'
import * as v from 'valibot'
import type { SeededRandom } from '../chaos/seeded-random.ts'
import { type HttpInput, makeHttpInput } from './http-inputs.ts'
import type { User } from './users.ts'
import { type Verdicts, within } from './verdicts.ts'

/**
 * Everything is answered in this time, or the socket is closed. Milliseconds: the longest that a match waits in line
 * (`MAX_WAIT` of functions/src/queue.ts, 15 s), and ten seconds for a machine that is busy.
 */
export const BOUND = 25_000
/** Codes that mean that the broker is well and a node is not there. */
const NO_NODE = new Set(['no-node', 'node-gone', 'node-lost'])

/** What workerd and the server before it say by themselves; nothing of ours is asked then. */
const PLATFORM = [/^invalid URI/, /^Unsupported Media Type/, /^ERROR: WebSocket must be initiated with a GET request/]

interface Answer {
  readonly status: number
  readonly body: string
}

/** Sends requests of all kinds to every door, and judges every answer. */
export class HttpFuzz {
  readonly #origin: URL
  readonly #users: readonly User[]
  readonly #nodes: readonly string[]
  readonly #verdicts: Verdicts
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 })

  constructor(origin: string, users: readonly User[], nodes: readonly string[], verdicts: Verdicts) {
    this.#origin = new URL(origin)
    this.#users = users
    this.#nodes = nodes
    this.#verdicts = verdicts
  }

  async one(random: SeededRandom): Promise<void> {
    const input = await makeHttpInput(random, this.#origin.origin, this.#users, this.#nodes)
    const answer = await within(BOUND, this.#send(input))
    this.#judge(input, answer)
  }

  /** Begins a request, says a byte now and then, and never ends it. The broker must go on answering others meanwhile. */
  async drip(random: SeededRandom, seconds: number): Promise<void> {
    const socket = connect(Number(this.#origin.port), this.#origin.hostname)
    socket.on('error', () => undefined)
    const { token } = random.pick(this.#users)
    const head = ['POST /api/match HTTP/1.1', `host: ${this.#origin.host}`, `authorization: Bearer ${token}`]
    socket.write(`${head.join('\r\n')}\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n`)
    for (let elapsed = 0; elapsed < seconds * 1000 && !socket.destroyed; elapsed += 250) {
      socket.write(' ')
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
    socket.destroy()
    this.#verdicts.count('POST match', 'never ended')
  }

  close(): void {
    this.#agent.destroy()
  }

  #send(input: HttpInput, again = false): Promise<Answer | 'closed' | 'unsendable'> {
    const { method, path, headers, body, chunked } = input
    return new Promise((resolve) => {
      const { hostname, port } = this.#origin
      // Node frames no body of a GET by itself, and what is left would be read as the next request.
      const framing = chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(body?.length) }
      const all = { ...headers, ...(body ? framing : {}) }
      const options = { hostname, port, path, method, agent: again ? false : this.#agent, headers: all }
      let outgoing
      try {
        outgoing = request(options)
      } catch {
        // Node itself refuses to send such a line.
        return resolve('unsendable')
      }
      outgoing.on('response', (response) => void read(response).then(resolve))
      outgoing.on('upgrade', (_response, socket) => {
        socket.destroy()
        resolve({ status: 101, body: '' })
      })
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        // A server may close a kept connection just as the next request sets out: RFC 9112, 9.3.1 has the client ask again, here
        // on a connection of its own.
        const raced = !again && outgoing.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
        resolve(raced ? this.#send(input, true) : 'closed')
      })
      if (body) outgoing.write(body)
      outgoing.end()
    })
  }

  #judge(input: HttpInput, answer: Answer | 'closed' | 'unsendable' | 'late'): void {
    const said = JSON.stringify({ ...input, body: input.body && Buffer.from(input.body).toString('latin1') })
    if (typeof answer === 'string') {
      this.#verdicts.count(input.door, answer)
      if (answer === 'late') this.#verdicts.breach(`no answer within ${BOUND} ms`, said)
      // A body that nobody reads to its end may cost the connection; anything else may not.
      if (answer === 'closed' && (input.body?.length ?? 0) < 60_000)
        this.#verdicts.breach('closed without an answer', said)
      return
    }
    const { status, body } = answer
    const platform = PLATFORM.some((text) => text.test(body))
    if (platform && status < 500) return this.#verdicts.count(input.door, `${status} by the platform`)
    const ours = this.#isOurs(input.path)
    const code = status >= 400 && input.method !== 'HEAD' && ours ? codeOf(body) : ''
    this.#verdicts.count(input.door, `${status} ${code ?? ''}`.trim() + (ours ? '' : ' outside /api'))
    if (code === undefined) this.#verdicts.breach(`status ${status} without a typed error: ${body.slice(0, 200)}`, said)
    if (status >= 500 && !NO_NODE.has(code ?? ''))
      this.#verdicts.breach(`status ${status}: ${body.slice(0, 200)}`, said)
  }

  /** What is not below `/api/` is served as a file, by a program that is not ours. */
  #isOurs(path: string): boolean {
    return URL.canParse(path, this.#origin) && new URL(path, this.#origin).pathname.startsWith('/api/')
  }
}

/** The code of a typed error; undefined when the body is none. */
function codeOf(body: string): string | undefined {
  try {
    const result = v.safeParse(ErrorResponse, JSON.parse(body))
    return result.success ? result.output.error.code : undefined
  } catch {
    return undefined
  }
}

async function read(response: IncomingMessage): Promise<Answer> {
  const pieces: Buffer[] = []
  try {
    for await (const piece of response as AsyncIterable<Buffer>) pieces.push(piece)
  } catch {
    // What was read before the connection broke counts.
  }
  const raw = Buffer.concat(pieces)
  const unpack = { gzip: gunzipSync, br: brotliDecompressSync }[response.headers['content-encoding'] ?? '']
  return { status: response.statusCode ?? 0, body: (unpack && raw.length > 0 ? unpack(raw) : raw).toString() }
}
